import type { HttpMatch, HttpRoute } from "@xebec/model-resources";
import { isVisible } from "@xebec/pilot-registry";
import { mergedMatches } from "./delegated-match.ts";
import type { DelegateId, VirtualService } from "./state.ts";

// Rules that delegate to a VirtualService without hosts (docs/reference/pilot.md §3.1, Delegates).

/** Finds a delegate. */
export type FindDelegate = (id: DelegateId) => VirtualService | undefined;

/** The delegates of a root's rules, each once; none for a VirtualService that does not delegate. */
export function delegatesOf(root: VirtualService): DelegateId[] {
  return [...new Set((root.spec.http ?? []).flatMap((rule) => delegateOf(root, rule) ?? []))];
}

/** The delegate of a rule; undefined for a rule of the root's own. */
export function delegateOf(root: VirtualService, { delegate }: HttpRoute): DelegateId | undefined {
  return delegate && `${delegate.namespace || root.namespace}/${delegate.name ?? ""}`;
}

/** True when a delegate lets the roots of a namespace use it. */
export function isExportedTo(delegate: VirtualService, namespace: string): boolean {
  return isVisible(delegate.exportTo, delegate.namespace, namespace);
}

/**
 * A root with the rules of its delegates in the place of its own: of a delegate that is there, is exported to the root's namespace,
 * and has matches that the root's cover.
 */
export function withDelegates(root: VirtualService, find: FindDelegate): VirtualService {
  const rules: HttpRoute[] = [];
  const delegateKeys: (string | undefined)[] = [];
  for (const rule of root.spec.http ?? []) {
    const id = delegateOf(root, rule);
    const delegate = id === undefined ? undefined : find(id);
    if (id !== undefined && (!delegate || !isExportedTo(delegate, root.namespace))) continue;
    const taken = delegate ? (delegate.spec.http ?? []).flatMap((each) => mergedRule(rule, each) ?? []) : [rule];
    rules.push(...taken);
    delegateKeys.push(...taken.map(() => delegate?.key));
  }
  return { ...root, spec: { ...root.spec, http: rules }, delegateKeys };
}

/** What a delegate's rule takes over from the root's rule where it says nothing of its own: whole, as in Istio. */
const INHERITED = [
  ...(["rewrite", "directResponse", "timeout", "retries", "fault", "mirror", "mirrors", "mirrorPercentage"] as const),
  ...(["mirrorPercent", "corsPolicy", "headers", "appendHeaders", "appendRequestHeaders"] as const),
  ...(["removeRequestHeaders", "appendResponseHeaders", "removeResponseHeaders"] as const),
] as const;

/** A delegate's rule under the conditions of the root's rule; undefined when these two exclude each other. */
export function mergedRule(root: HttpRoute, own: HttpRoute): HttpRoute | undefined {
  const match = mergedMatches(root.match ?? [], own.match ?? []);
  if (!match) return undefined;
  const inherited = INHERITED.filter((field) => own[field] === undefined && root[field] !== undefined);
  return {
    ...own,
    ...Object.fromEntries(inherited.map((field) => [field, root[field]])),
    ...(match.length > 0 ? { match: [...match] as HttpMatch[] } : {}),
    ...named(joined(root.name, own.name)),
  };
}

/** `root-delegate`, or the only one of both that there is. */
export function joined(root: string | undefined, own: string | undefined): string | undefined {
  return [root, own].filter(Boolean).join("-") || undefined;
}

const named = (name: string | undefined) => (name === undefined ? {} : { name });
