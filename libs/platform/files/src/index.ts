export { type WriteOptions, writeFileAtomic, writeKeyFile } from "./atomic-write.ts";
