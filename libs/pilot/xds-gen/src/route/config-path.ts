/** `/apis/networking.istio.io/v1alpha3/namespaces/NS/virtual-service/NAME`, as Istio's tools expect it. */
export function configPath(key: string): string {
  const [group, kind = "", namespace, name] = key.split("/");
  const kebab = kind.replace(/([a-z0-9])([A-Z])/g, "$1-$2").toLowerCase();
  return `/apis/${group}/v1alpha3/namespaces/${namespace}/${kebab}/${name}`;
}
