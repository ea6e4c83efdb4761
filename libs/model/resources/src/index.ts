export {
  collectionOf,
  decodeResource,
  encodeResource,
  keyOf,
  type Origin,
  parseKey,
  type Resource,
} from "./resource.ts";
