/** Version of this package, equal to the one in `package.json`; signatures end with it. */
export const VERSION = '0.1.0';
