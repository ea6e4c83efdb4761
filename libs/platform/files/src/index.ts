export { removeFile, type WriteOptions, writeFileAtomic, writeKeyFile } from "./atomic-write.ts";
export { confinementError, openConfined } from "./confined-file.ts";
export { createDirectoryWatcher, type DirectoryHandlers, type DirectoryWatcherOptions } from "./directory-watcher.ts";
export { FileTurns } from "./file-turns.ts";
export { readSealedJson, sealed, type Unsealed, writeSealedJson } from "./sealed-json.ts";
