import { fieldsOf } from "./fields.ts";
import { type Container, INIT, PROXY, VALIDATION } from "./pod.ts";

/**
 * A user that a pod chooses for its own `istio-proxy` is the user whose traffic is not captured, and the one that looks whether
 * traffic is captured. With TPROXY the proxy stays root.
 * @param user what the pod says of its container
 */
export function withProxyUser(
  lists: { readonly containers: readonly Container[]; readonly initContainers: readonly Container[] },
  user: Container | undefined,
  isTproxy: boolean,
): typeof lists {
  const { runAsUser, runAsGroup } = fieldsOf(user?.securityContext);
  if (runAsUser === undefined && runAsGroup === undefined) return lists;
  const change = (each: Container): Container => {
    if (each.name === PROXY && isTproxy && runAsUser !== undefined)
      return { ...each, securityContext: { ...each.securityContext, runAsUser: 0, runAsNonRoot: false } };
    if (each.name !== INIT && each.name !== VALIDATION) return each;
    const own = {
      ...(runAsUser === undefined ? {} : { runAsUser }),
      ...(runAsGroup === undefined ? {} : { runAsGroup }),
    };
    const isChecked = each.name === VALIDATION && !isTproxy;
    return {
      ...each,
      ...(isChecked ? { securityContext: { ...each.securityContext, ...own } } : {}),
      // The rules cannot leave out root.
      ...(runAsUser === undefined || runAsUser === 0 ? {} : { args: withUser(each.args ?? [], String(runAsUser)) }),
    };
  };
  return { containers: lists.containers.map(change), initContainers: lists.initContainers.map(change) };
}

function withUser(args: readonly string[], user: string): readonly string[] {
  const index = args.indexOf("-u");
  return index < 0 ? args : args.with(index + 1, user);
}
