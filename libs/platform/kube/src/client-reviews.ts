import type { KubeClient } from "./client.ts";
import { reviewAccess } from "./reviews.ts";
import { createTokenReviewer, rememberingReviewer } from "./token-reviewer.ts";

/**
 * What pilot asks an API server of its clients: whom a token belongs to, and whether a gateway's service account may list the Secrets of its
 * namespace, as Istio's does (docs/reference/pilot.md §2.4).
 */
export function clientReviews(client: KubeClient, trustDomain: string) {
  return {
    reviewToken: rememberingReviewer(createTokenReviewer(client, trustDomain)),
    async authorizeSecrets({
      namespace,
      serviceAccount,
    }: {
      readonly namespace: string;
      readonly serviceAccount: string;
    }) {
      const { allowed } = await reviewAccess(client, {
        user: `system:serviceaccount:${namespace}:${serviceAccount}`,
        // Those that every token of the account has.
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        ...{ verb: "list", group: "", resource: "secrets", namespace },
      });
      return allowed;
    },
  };
}
