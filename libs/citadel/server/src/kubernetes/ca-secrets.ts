import { type CaState, decodeCaState, encodeCaState, type SigningCa } from "@xebec/citadel-ca";
import { backoff, sleep } from "@xebec/core-async";
import { XebecError } from "@xebec/core-errors";
import { logger } from "@xebec/core-log";
import {
  createReflector,
  isAlreadyExists,
  isConflict,
  isNotFound,
  type KubeClient,
  type KubeObject,
  RESOURCES,
  type Reflector,
} from "@xebec/platform-kube";
import { installationOwner } from "./owner.ts";

const log = logger("ca");
const RETRY = { baseMs: 200, maxMs: 3_000 };
/** Istio's names (docs/reference/platform.md §1.7). */
const SELF_SIGNED = "istio-ca-secret";
const PLUGGED_IN = "cacerts";
const CA_TYPE = "istio.io/ca-root";
/** The whole state, with the roots of a rotation; Istio knows nothing of it. */
const STATE_KEY = "xebec-state.json";

type SecretData = Readonly<Record<string, string | undefined>>;

/** What citadel keeps of its authority in the cluster, shared by its replicas. */
export interface CaSecrets {
  /** For messages. */
  readonly where: string;
  /** The authority that an operator has put into the Secret `cacerts`; undefined where there is none. */
  pluggedIn(): Promise<SigningCa | undefined>;
  /** The self-signed authority of the Secret `istio-ca-secret`, Istio's own among them; undefined where there is none. */
  load(): Promise<CaState | undefined>;
  /**
   * Keeps a state, unless another replica has kept another one since the last `load`.
   * @returns the state that is kept: this one, or the other replica's
   */
  save(state: CaState): Promise<CaState>;
  /** Begins to follow both Secrets. */
  follow(changed: { state(state: CaState): void; pluggedIn(files: SigningCa): void }): Promise<void>;
  close(): Promise<void>;
}

/**
 * Follows the Secrets of citadel's namespace. Reading goes on until the API server answers: nothing can be signed before.
 * @param leading the namespace of another citadel, whose self-signed authority is this one's, too, and whose rotation is followed as long as
 * its Secret is there
 */
export function createCaSecrets(client: KubeClient, namespace: string, leading?: string): CaSecrets {
  return new Secrets(client, namespace, leading === namespace ? undefined : leading);
}

class Secrets implements CaSecrets {
  readonly where: string;
  readonly #client: KubeClient;
  readonly #namespace: string;
  readonly #leading: string | undefined;
  readonly #stop = new AbortController();
  readonly #reflectors: Reflector[] = [];
  /** The Secret as it was read last; undefined when there was none. */
  #known: KubeObject | undefined;

  constructor(client: KubeClient, namespace: string, leading: string | undefined) {
    this.#client = client;
    this.#namespace = namespace;
    this.#leading = leading;
    this.where = `Secret ${namespace}/${SELF_SIGNED}`;
  }

  async pluggedIn(): Promise<SigningCa | undefined> {
    const secret = await this.#read(PLUGGED_IN);
    return secret && signingCaOf(textsOf(secret));
  }

  async load(): Promise<CaState | undefined> {
    this.#known = await this.#read(SELF_SIGNED);
    if (this.#known) return this.#stateOf(this.#known);
    if (!this.#leading) return undefined;
    const secret = await this.#read(SELF_SIGNED, this.#leading);
    if (secret) return this.#stateOf(secret);
    throw new XebecError(
      "failed_precondition",
      `--root-of: there is no Secret ${SELF_SIGNED} in ${this.#leading}; name the namespace of the other citadel, and let it start first`,
    );
  }

  async save(state: CaState): Promise<CaState> {
    const { certificate, key, chain } = state.active;
    const data = {
      ...{ "ca-cert.pem": certificate, "ca-key.pem": key, "cert-chain.pem": chain, "root-cert.pem": state.active.root },
      ...{ "key.pem": "", [STATE_KEY]: encodeCaState(state) },
    };
    const object = {
      ...{ apiVersion: "v1", kind: "Secret", type: CA_TYPE },
      metadata: {
        ...{ name: SELF_SIGNED, namespace: this.#namespace },
        ownerReferences: this.#known
          ? (this.#known.metadata.ownerReferences ?? [])
          : await installationOwner(this.#client, this.#namespace),
        ...(this.#known?.metadata.resourceVersion ? { resourceVersion: this.#known.metadata.resourceVersion } : {}),
      },
      data: Object.fromEntries(
        Object.entries(data).map(([name, text]) => [name, Buffer.from(text).toString("base64")]),
      ),
    };
    try {
      this.#known = this.#known
        ? await this.#client.replace(RESOURCES.secrets, object)
        : await this.#client.create(RESOURCES.secrets, object);
      return state;
    } catch (error) {
      if (!isConflict(error) && !isAlreadyExists(error)) throw error;
      log.info("another replica of citadel has kept another state of the authority; that one is used");
      const kept = await this.load();
      if (kept) return kept;
      throw new XebecError("aborted", `${this.where} was deleted while it was written; trying again`, { cause: error });
    }
  }

  async follow(changed: Parameters<CaSecrets["follow"]>[0]): Promise<void> {
    const follow = (name: string, took: (secret: KubeObject) => void, namespace = this.#namespace): void => {
      this.#reflectors.push(
        createReflector<KubeObject>({
          ...{ client: this.#client, type: RESOURCES.secrets, namespace },
          ...{ fieldSelector: `metadata.name=${name}`, project: (object) => object },
          changed: ({ puts }) => {
            for (const secret of puts.values())
              try {
                took(secret);
              } catch (error) {
                log.error({ err: error, secret: name }, "the Secret cannot be used; what it said before stays");
              }
          },
        }),
      );
    };
    follow(SELF_SIGNED, (secret) => {
      // What this replica has written itself comes back, and what was before it.
      if (versionOf(secret) <= versionOf(this.#known)) return;
      const state = this.#stateOf(secret);
      this.#known = secret;
      changed.state(state);
    });
    follow(PLUGGED_IN, (secret) => changed.pluggedIn(signingCaOf(textsOf(secret))));
    if (this.#leading) follow(SELF_SIGNED, (secret) => this.#led(this.#stateOf(secret), changed.state), this.#leading);
    for (const each of this.#reflectors) await each.start(this.#stop.signal);
  }

  /** Takes a step of the other citadel's rotation, or puts an own one back. */
  #led(state: CaState, took: (state: CaState) => void): void {
    if (this.#known && encodeCaState(this.#stateOf(this.#known)) === encodeCaState(state)) return;
    this.save(state).then(took, (error: unknown) => {
      if (!this.#stop.signal.aborted)
        log.error(
          { err: error, secret: this.where },
          "the other citadel's authority cannot be kept; the one before stays",
        );
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#reflectors.map((each) => each.close?.()));
  }

  #stateOf(secret: KubeObject): CaState {
    const texts = textsOf(secret);
    const certificate = texts["ca-cert.pem"] ?? "";
    const own = texts[STATE_KEY];
    if (own) {
      const state = decodeCaState(own, this.where);
      if (state.active.certificate === certificate) return state;
    }
    // Istio's, or one that somebody has put there: its root is what it signs with.
    const [key = "", chain = "", root] = [texts["ca-key.pem"], texts["cert-chain.pem"], texts["root-cert.pem"]];
    const active = { certificate, key, chain, root: root || certificate };
    return decodeCaState(encodeCaState({ active, retired: [] }), this.where);
  }

  async #read(name: string, namespace = this.#namespace): Promise<KubeObject | undefined> {
    for (let failures = 0; ; failures++) {
      try {
        return await this.#client.get(RESOURCES.secrets, { namespace, name }, this.#stop.signal);
      } catch (error) {
        // Only an answer says that there is none: a new authority would end every trust.
        if (isNotFound(error)) return undefined;
        if (this.#stop.signal.aborted) throw error;
        log.warn({ err: error, secret: name }, "the Secret cannot be read; trying again");
        await sleep(backoff(failures, RETRY), this.#stop.signal);
      }
    }
  }
}

function textsOf(secret: KubeObject): SecretData {
  const data = (secret.data ?? {}) as SecretData;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value ?? "", "base64").toString("utf8")]),
  );
}

/** Istio's names of files, or those of a Secret of the type `kubernetes.io/tls`. */
function signingCaOf(texts: SecretData): SigningCa {
  if (texts["tls.crt"])
    return { certificate: texts["tls.crt"], key: texts["tls.key"] ?? "", chain: "", root: texts["ca.crt"] ?? "" };
  return {
    certificate: texts["ca-cert.pem"] ?? "",
    key: texts["ca-key.pem"] ?? "",
    chain: texts["cert-chain.pem"] ?? "",
    root: texts["root-cert.pem"] ?? "",
  };
}

/** Versions of one type of objects grow (KEP-5504). */
function versionOf(object: KubeObject | undefined): number {
  return Number(object?.metadata.resourceVersion ?? 0);
}
