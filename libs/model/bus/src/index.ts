export {
  ACCESS,
  BUS_USERS,
  type BusAccess,
  type BusUser,
  isSourceOf,
  readableBy,
  SIGNED_BUCKETS,
  SOURCES,
  writersOf,
} from "./access.ts";
export { ALL_BUCKETS, BUCKETS, type Bucket, SUBJECTS, WORK_QUEUE } from "./names.ts";
export { partsOf } from "./parts.ts";
export { decodeProxies, encodeProxies } from "./proxies.ts";
