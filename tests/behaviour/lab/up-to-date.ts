import type { ResourceSet } from "@xebec/pilot-xds-gen";
import type { XdsServer } from "@xebec/pilot-xds-server";

/** True when every proxy of a lab has accepted all that it should have by now. @param count of its proxies */
export function isUpToDate(xds: XdsServer, count: number): boolean {
  const { generator } = xds;
  // Agents have streams of their own, for plugins alone.
  const open = [...xds.connections].filter(({ subscriptions }) =>
    [...subscriptions.values()].some(({ type }) => type.name === "cluster"),
  );
  if (!generator || open.length < count) return false;
  return open.every((connection) => {
    const subs = [...connection.subscriptions.values()];
    const proxyClass = connection.proxyClass(generator);
    return (
      ["cluster", "listener"].every((type) => subs.some((sub) => sub.type.name === type && sub.state === "idle")) &&
      subs.every((sub) => {
        const { type, names, sent, state } = sub;
        const hasNoNames = names?.names.length === 0 && (type.name === "endpoint" || type.name === "route");
        const outlived = (): boolean =>
          type.outlivesRemoval === true && has(sent, generator.resources(type, connection.proxy, proxyClass, names));
        return (
          (state === "initial" || state === "idle") &&
          (hasNoNames || outlived() || sent.version === connection.desired(sub, generator).version)
        );
      })
    );
  });
}

/** True when all of these were sent; what is gone meanwhile stays with the proxy. */
function has(sent: ResourceSet, wanted: ResourceSet): boolean {
  return [...wanted.resources.values()].every((each) => sent.resources.get(each.name)?.version === each.version);
}
