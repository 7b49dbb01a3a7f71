/** Makes the page work without a connection, from the second visit on. */

/** Registers the service worker of the built page. Nothing where browsers do not allow one (no https, not local). */
export async function registerOffline(): Promise<void> {
  if (import.meta.env.MODE !== 'production' || !('serviceWorker' in navigator)) return;
  try {
    await navigator.serviceWorker.register('./service-worker.js');
  } catch (error) {
    console.warn(`The page will not work offline: ${(error as Error).message}`);
  }
}
