import { XebecError } from "@xebec/core-errors";

export interface Identity {
  readonly trustDomain: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** `spiffe://<trust domain>/ns/<namespace>/sa/<service account>` (docs/reference/platform.md §1.5). */
export function spiffeId({ trustDomain, namespace, serviceAccount }: Identity): string {
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`;
}

/** Takes a workload's SPIFFE URI apart; undefined when it has another form, or characters that SPIFFE does not allow. */
export function parseSpiffe(uri: string): Identity | undefined {
  const match = /^spiffe:\/\/([\w.-]+)\/ns\/([\w.-]+)\/sa\/([\w.-]+)$/.exec(uri);
  if (!match) return undefined;
  const [, trustDomain, namespace, serviceAccount] = match as unknown as [string, string, string, string];
  return { trustDomain, namespace, serviceAccount };
}

/**
 * The trust domain that a flag or variable names, as it stands in every identity: empty means `cluster.local`, and the `@` that
 * Istio allows becomes a dot.
 * @throws XebecError invalid_argument for characters that SPIFFE does not allow
 */
export function trustDomainOf(text: string): string {
  const domain = text.replaceAll("@", ".") || "cluster.local";
  if (/^[\w.-]+$/.test(domain)) return domain;
  throw new XebecError(
    "invalid_argument",
    `"${text.slice(0, 100)}" is not a trust domain: write letters, digits, ".", "-" and "_" only, for example cluster.local`,
  );
}
