/** Variants that a tag may end with. */
const VARIANTS = ["debug", "distroless"];

/**
 * The image of a variant, as Istio names them: `proxyv2:1.0` of the type `distroless` is `proxyv2:1.0-distroless`. `default` is the
 * image without a variant, and no type leaves it as it is. An image by its digest has no variants.
 */
export function imageOfType(image: string, type: string): string {
  if (type === "" || image.includes("@")) return image;
  const at = image.lastIndexOf(":");
  const hasTag = at > image.lastIndexOf("/");
  const [name, tag] = hasTag ? [image.slice(0, at), image.slice(at + 1)] : [image, "latest"];
  const variant = VARIANTS.find((each) => tag.endsWith(`-${each}`));
  const plain = variant ? tag.slice(0, -variant.length - 1) : tag;
  if (type !== "default") return `${name}:${plain}-${type}`;
  return hasTag ? `${name}:${plain}` : image;
}
