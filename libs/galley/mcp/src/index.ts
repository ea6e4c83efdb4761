export { CollectionStore, type CollectionStoreOptions } from "./collection-store.ts";
export { COLLECTIONS, type Collection, collectionNamed, collectionOfKind } from "./collections.ts";
export { decodeObject, type EncodedObject, encodeObject } from "./object.ts";
export { Sink, type SinkOptions } from "./sink.ts";
export { SourceSession, type SourceSessionOptions } from "./source-session.ts";
