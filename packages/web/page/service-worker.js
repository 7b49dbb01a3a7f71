/**
 * Keeps the built page for use without a connection, and isolates it, so that WebAssembly may use threads, where the server
 * sends no headers for that. FILES and VERSION come from the build.
 */
/* global FILES, VERSION */
const CACHE = `t2r-page-${VERSION}`;
const scope = globalThis;

scope.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(FILES))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener('activate', (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) =>
        Promise.all(
          names.filter((name) => name.startsWith('t2r-page-') && name !== CACHE).map((name) => caches.delete(name)),
        ),
      )
      .then(() => scope.clients.claim()),
  );
});

scope.addEventListener('fetch', (event) => {
  const { request } = event;
  if (request.method !== 'GET' || new URL(request.url).origin !== scope.location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request, { ignoreSearch: true });
  if (kept !== undefined) return isolated(kept);
  const fetched = await fetch(request);
  // What the build made has a hash in its name and never changes; models are too large to keep unasked.
  if (fetched.ok && /\/assets\/[^/]+$/.test(new URL(request.url).pathname)) await cache.put(request, fetched.clone());
  return isolated(fetched);
}

function isolated(response) {
  if (response.status === 0) return response;
  const headers = new Headers(response.headers);
  headers.set('Cross-Origin-Opener-Policy', 'same-origin');
  headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  headers.set('Cross-Origin-Resource-Policy', 'same-origin');
  return new Response(response.body, { status: response.status, statusText: response.statusText, headers });
}
