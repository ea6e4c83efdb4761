import type { Resource, VirtualServiceSpec } from "@xebec/model-resources";
import { withReplaced } from "../../collections/by-age.ts";
import { domainsAbove } from "../../collections/domains.ts";
import { HostIndex } from "../../collections/host-index.ts";
import { PersistentMap } from "../../collections/persistent-map.ts";
import type { ConfigKind, Edit } from "../kind.ts";
import { type VirtualServiceReads, virtualServiceConditions } from "./conditions.ts";
import { delegatesOf, withDelegates } from "./delegation.ts";
import { virtualServiceOf } from "./resolved.ts";
import {
  type DelegateId,
  MESH_GATEWAY,
  type Root,
  type VirtualService,
  type VirtualServiceState,
  virtualServiceKeys,
} from "./state.ts";

const { virtualService, anyVirtualService, virtualServicesBelow, virtualServicesOf, gatewayRoutes, delegate } =
  virtualServiceKeys;

export const virtualServiceKind = {
  group: "networking.istio.io",
  kind: "VirtualService",
  keys: virtualServiceKeys,
  initial: (): VirtualServiceState => ({
    virtualServices: HostIndex.empty(),
    gatewayRoutes: PersistentMap.empty(),
    delegates: PersistentMap.empty(),
    roots: PersistentMap.empty(),
    rootsOf: PersistentMap.empty(),
  }),
  make: (resource, { domain }) => virtualServiceOf(resource as Resource<VirtualServiceSpec>, domain),
  selectorLabels: ({ spec }) =>
    [...(spec.http ?? []), ...(spec.tls ?? []), ...(spec.tcp ?? [])]
      .flatMap((each) => each.match ?? [])
      .flatMap((match) => Object.keys(match.sourceLabels ?? {})),
  replace(edit, before, after) {
    const old = before && takeRoot(edit, before);
    replaceRule(edit, old, after && putRoot(edit, after));
    const delegates = [before, after].filter((each) => each !== undefined && isDelegate(each));
    if (delegates[0]) replaceDelegate(edit, idOf(delegates[0]), after);
  },
  *parts({ virtualServices, gatewayRoutes: routes, delegates, roots, rootsOf }) {
    for (const [host, list] of virtualServices.entries()) {
      yield [virtualService(host), list];
      yield [anyVirtualService, list];
      for (const domain of domainsAbove(host)) yield [virtualServicesBelow(domain), list];
      for (const each of list) yield [virtualServicesOf(each.namespace), each];
    }
    for (const [gateway, list] of routes.entries()) yield [gatewayRoutes(gateway), list];
    for (const [id, each] of delegates.entries()) yield [delegate(id), each];
    for (const [id, keys] of rootsOf.entries()) yield [delegate(id), keys];
    for (const root of roots.values()) for (const id of delegatesOf(root.written)) yield [delegate(id), root];
  },
  conditions: virtualServiceConditions,
} satisfies ConfigKind<VirtualService, VirtualServiceState, VirtualServiceReads>;

type StateEdit = Edit<VirtualServiceState>;

function isDelegate({ hosts }: VirtualService): boolean {
  return hosts.length === 0;
}

const idOf = ({ namespace, name }: VirtualService): DelegateId => `${namespace}/${name}`;

/** Notes one that delegates. @returns it as it comes into effect */
function putRoot(edit: StateEdit, written: VirtualService): VirtualService {
  if (isDelegate(written) || delegatesOf(written).length === 0) return written;
  const { state, batch } = edit;
  const merged = withDelegates(written, (id) => state.delegates.get(id));
  state.roots = state.roots.edit([[written.key, { written, merged }]], batch);
  for (const id of delegatesOf(written)) replaceRootOf(edit, id, written.key, true);
  return merged;
}

/** Forgets one that delegates. @returns it as it was in effect */
function takeRoot(edit: StateEdit, written: VirtualService): VirtualService {
  const { state, batch } = edit;
  const root = state.roots.get(written.key);
  if (!root) return written;
  state.roots = state.roots.edit([[written.key, undefined]], batch);
  for (const id of delegatesOf(written)) replaceRootOf(edit, id, written.key, false);
  return root.merged;
}

function replaceRootOf({ state, changed, batch }: StateEdit, id: DelegateId, key: string, isThere: boolean): void {
  const rest = (state.rootsOf.get(id) ?? []).filter((each) => each !== key);
  const keys = isThere ? [...rest, key].sort() : rest;
  state.rootsOf = state.rootsOf.edit([[id, keys.length > 0 ? keys : undefined]], batch);
  changed.add(delegate(id));
}

/** Puts a delegate, or its end, and merges those anew that delegate to it. @param after the object that has its name now */
function replaceDelegate(edit: StateEdit, id: DelegateId, after: VirtualService | undefined): void {
  const { state, changed, batch } = edit;
  state.delegates = state.delegates.edit([[id, after && isDelegate(after) ? after : undefined]], batch);
  changed.add(delegate(id));
  for (const key of state.rootsOf.get(id) ?? []) {
    const { written, merged: before } = state.roots.get(key) as Root;
    const merged = withDelegates(written, (each) => state.delegates.get(each));
    state.roots = state.roots.edit([[key, { written, merged }]], batch);
    for (const each of delegatesOf(written)) changed.add(delegate(each));
    replaceRule(edit, before, merged);
  }
}

/** Puts a VirtualService as it is in effect in the place of its former form. */
function replaceRule(
  { state, changed, batch }: StateEdit,
  before: VirtualService | undefined,
  after: VirtualService | undefined,
): void {
  const touched = new Set<string>();
  state.virtualServices = state.virtualServices.replace(before, after, touched, batch);
  for (const host of touched) {
    changed.add(virtualService(host));
    for (const domain of domainsAbove(host)) changed.add(virtualServicesBelow(domain));
  }
  if (touched.size > 0) {
    changed.add(anyVirtualService);
    changed.add(virtualServicesOf((before ?? after)?.namespace ?? ""));
  }
  for (const gateway of new Set([...(before?.gateways ?? []), ...(after?.gateways ?? [])])) {
    if (gateway === MESH_GATEWAY) continue;
    const list = withReplaced(
      state.gatewayRoutes.get(gateway) ?? [],
      before?.gateways.includes(gateway) ? before : undefined,
      after?.gateways.includes(gateway) ? after : undefined,
    );
    state.gatewayRoutes = state.gatewayRoutes.edit([[gateway, list.length > 0 ? list : undefined]], batch);
    changed.add(gatewayRoutes(gateway));
  }
}
