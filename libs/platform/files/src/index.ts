export { removeFile, type WriteOptions, writeFileAtomic, writeKeyFile } from "./atomic-write.ts";
export { createDirectoryWatcher, type DirectoryHandlers, type DirectoryWatcherOptions } from "./directory-watcher.ts";
