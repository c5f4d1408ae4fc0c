// Not read from package.json, which a bundle does not have; a test compares the two.
const VERSION = "0.1.0";

/** What requests and users say which library they come from: `<name>/<version>`. */
export const LIBRARY = `halyard/${VERSION}`;
