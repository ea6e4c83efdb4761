export { reviewObject } from "./admission.ts";
export { GalleyConfig } from "./config.ts";
export { createDirectorySource, type DirectorySourceOptions } from "./directory-source.ts";
export { type GalleyParts, galleyComponents } from "./galley.ts";
export { ownSource } from "./own-source.ts";
