/** Kubernetes' limit for all annotations of an object together, names and values. */
export const MAX_ANNOTATION_BYTES = 256 << 10;

/** How much the annotations of an object are together, in bytes; whatever is not text does not count. */
export function annotationBytes(annotations: unknown): number {
  if (annotations === null || typeof annotations !== "object") return 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(annotations))
    if (typeof value === "string") bytes += Buffer.byteLength(name) + Buffer.byteLength(value);
  return bytes;
}
