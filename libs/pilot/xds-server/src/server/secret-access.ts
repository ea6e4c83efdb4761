import { logger } from "@xebec/core-log";
import { type Identity, spiffeId } from "@xebec/model-names";

const log = logger("ads");
/** How long an answer holds, as in Istio. In milliseconds. */
const HOLDS_MS = 60_000;
const MOST = 10_000;

/**
 * Says whether a service account may list the Secrets of its namespace. On Kubernetes that is a SubjectAccessReview; where nobody manages such
 * rights, whoever has proved who it is may have the Secrets of its own namespace.
 */
export type SecretAuthorizer = (identity: Identity) => Promise<boolean>;

/** Asks an authorizer once a minute for each identity. A question that fails is a no until it is asked again. */
export class SecretAccess {
  readonly #authorizer: SecretAuthorizer | undefined;
  readonly #known = new Map<string, { readonly until: number; allowed: boolean | undefined }>();

  constructor(authorizer: SecretAuthorizer | undefined) {
    this.#authorizer = authorizer;
  }

  /**
   * @param answered called when an answer that was not there has come
   * @returns false while it is not known
   */
  isAllowed(identity: Identity | undefined, answered: () => void): boolean {
    if (!identity) return false;
    const authorizer = this.#authorizer;
    if (!authorizer) return true;
    const key = spiffeId(identity);
    const known = this.#known.get(key);
    if (known && performance.now() < known.until) return known.allowed === true;
    if (this.#known.size >= MOST) this.#known.clear();
    // Until the answer is there, the last one holds.
    const next = { until: performance.now() + HOLDS_MS, allowed: known?.allowed };
    this.#known.set(key, next);
    authorizer(identity).then(
      (allowed) => {
        if (!allowed)
          log.warn({ identity: key }, "a proxy asks for Secrets that its service account may not list; it gets none");
        const isOther = next.allowed !== allowed;
        next.allowed = allowed;
        if (isOther) answered();
      },
      (error: unknown) =>
        log.error({ err: error, identity: key }, "whether a proxy may have Secrets could not be found out"),
    );
    return next.allowed === true;
  }
}
