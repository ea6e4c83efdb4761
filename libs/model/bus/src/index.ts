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
export { ALL_BUCKETS, ALL_WORK_QUEUES, BUCKETS, type Bucket, SUBJECTS, WORK_QUEUES } from "./names.ts";
export { decodeProxies, encodeProxies } from "./proxies.ts";
