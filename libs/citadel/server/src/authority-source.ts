import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type Authority,
  type CaState,
  type CaStorage,
  createAuthority,
  createSelfSigned,
  decodeCaState,
  encodeCaState,
  pluggedIn,
  type RotationPolicy,
  rotate,
  type SigningCa,
} from "@xebec/citadel-ca";
import { XebecError } from "@xebec/core-errors";
import type { Component } from "@xebec/core-lifecycle";
import { logger } from "@xebec/core-log";
import { writeFileAtomic, writeKeyFile } from "@xebec/platform-files";
import type { CitadelFlags } from "./config.ts";
import type { CaSecrets } from "./kubernetes/ca-secrets.ts";
import { readLifetimes } from "./lifetimes.ts";

const log = logger("ca");
/** How often rotation and revocations are looked at, in milliseconds. */
const LOOK_MS = 1_000;
const SERIAL = /^[0-9A-F]{1,40}$/;

/** The authority that signs now, and what it trusts. */
export interface AuthoritySource extends Component {
  /** @throws XebecError failed_precondition before `start` */
  authority(): Authority;
  /** Serial numbers in upper-case hexadecimal. */
  readonly revoked: ReadonlySet<string>;
  /** @param serial hexadecimal in upper case, zeros before it do not count */
  isRevoked(serial: string): boolean;
  onChange(changed: () => void): () => void;
  /** Begins a rotation of the self-signed root now. @throws XebecError failed_precondition for a plugged-in one */
  rotateNow(): Promise<void>;
}

/**
 * Opens the authority that the flags describe. A self-signed one keeps its state in `DIR/ca.json` (0600), its trusted roots in
 * `DIR/root-cert.pem`, and takes revoked serial numbers from `DIR/revoked-serials`, one per line; it rotates by itself.
 * @param secrets in a cluster: keeps the state in place of the directory, for all replicas
 * @throws XebecError invalid_argument for lifetimes that cannot be read or do not fit together
 */
export function createAuthoritySource(flags: CitadelFlags, secrets?: CaSecrets): AuthoritySource {
  return new Source(flags, secrets);
}

class Source implements AuthoritySource {
  readonly name = "certificate authority";
  readonly #flags: CitadelFlags;
  readonly #listeners = new Set<() => void>();
  readonly #ttls;
  readonly #policy: RotationPolicy;
  readonly #storage: CaStorage | undefined;
  readonly #secrets: CaSecrets | undefined;
  /** The authority came from the Secret `cacerts`. */
  #isPluggedIn = false;
  #authority: Authority | undefined;
  #revoked: ReadonlySet<string> = new Set();
  #revokedText = "";
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  constructor(flags: CitadelFlags, secrets: CaSecrets | undefined) {
    this.#flags = flags;
    this.#secrets = secrets;
    const dir = flags["storage-dir"];
    this.#storage = dir && !secrets ? fileStorage(join(dir, "ca.json")) : undefined;
    const { rootTtlMs, overlapMs, ...ttls } = readLifetimes(flags, this.#selfSigned);
    this.#ttls = ttls;
    this.#policy = {
      trustDomain: flags["trust-domain"],
      keyType: flags["self-signed-ca-key-type"],
      ...{ rootTtlMs, overlapMs, remaining: 0.2, retireMs: ttls.maxTtlMs },
    };
  }

  get #selfSigned(): boolean {
    return !this.#isPluggedIn && !this.#flags["signing-cert"] && this.#flags["self-signed-ca"];
  }

  async start(): Promise<void> {
    if (this.#selfSigned && !this.#storage && !this.#secrets)
      log.warn("no --storage-dir: the root is kept in memory and every restart makes another one");
    await this.#use(await this.#open(), false);
    // Whoever is revoked must not get through because the list cannot be read.
    await this.#readRevoked();
    await this.#look();
    this.#again();
    await this.#secrets?.follow({
      state: (state) => this.#othersKept(state),
      pluggedIn: (files) => this.#pluggedInAgain(files),
    });
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#looking;
    await this.#secrets?.close();
  }

  authority(): Authority {
    if (!this.#authority) throw new XebecError("failed_precondition", "the certificate authority is not open yet");
    return this.#authority;
  }

  get revoked(): ReadonlySet<string> {
    return this.#revoked;
  }

  isRevoked(serial: string): boolean {
    return this.#revoked.has(serial.replace(/^0+(?=.)/, ""));
  }

  missing(): readonly string[] {
    return this.#authority ? [] : ["the certificate authority is not open yet"];
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed);
    return () => {
      this.#listeners.delete(changed);
    };
  }

  async rotateNow(): Promise<void> {
    if (!this.#selfSigned)
      throw new XebecError("failed_precondition", "a plugged-in authority is rotated by giving citadel other files");
    await this.#use(rotate(this.authority().state, this.#policy, Date.now(), true), true);
  }

  async #open(): Promise<CaState> {
    if (!this.#selfSigned) return openPluggedIn(this.#flags);
    const files = await this.#secrets?.pluggedIn();
    if (!files) return this.#openSelfSigned();
    this.#isPluggedIn = true;
    log.info("the Secret cacerts has the authority");
    return { active: pluggedIn(files), retired: [] };
  }

  async #openSelfSigned(): Promise<CaState> {
    const text = await this.#storage?.load();
    const state =
      text === undefined
        ? await this.#secrets?.load()
        : decodeCaState(text, join(this.#flags["storage-dir"] ?? "", "ca.json"));
    if (state) {
      const next = rotate(state, this.#policy, Date.now());
      // Before anything is signed: a root that ended while citadel was away cannot sign even citadel's own certificate.
      if (next !== state) log.info("the root rotation went one step on");
      return next;
    }
    log.info({ trustDomain: this.#policy.trustDomain }, "a new self-signed root is made");
    return { active: createSelfSigned(this.#policy, Date.now()), retired: [] };
  }

  async #use(wanted: CaState, notify: boolean): Promise<void> {
    // Kept before it is used: a certificate of a root that nobody keeps could never be verified again.
    const state = this.#selfSigned && this.#secrets ? await this.#secrets.save(wanted) : wanted;
    const authority = createAuthority(state, this.#ttls);
    if (this.#selfSigned) await this.#storage?.save(encodeCaState(state));
    const before = this.#authority;
    this.#authority = authority;
    try {
      await this.#writeRoots();
    } catch (error) {
      this.#authority = before;
      throw error;
    }
    if (notify) this.#notify();
  }

  /** Another replica has gone a step on with the rotation, or an operator has put another authority in its place. */
  #othersKept(state: CaState): void {
    if (!this.#selfSigned || encodeCaState(state) === encodeCaState(this.authority().state)) return;
    log.info("the state of the authority is another one; it is used");
    this.#replace(state);
  }

  #pluggedInAgain(files: SigningCa): void {
    if (!this.#isPluggedIn) {
      log.error("the Secret cacerts was made while the self-signed authority signs; restart citadel to sign with it");
      return;
    }
    const state = { active: pluggedIn(files), retired: [] };
    if (encodeCaState(state) === encodeCaState(this.authority().state)) return;
    log.info("the Secret cacerts has another authority; it is used");
    this.#replace(state);
  }

  /** Uses what is kept in a Secret already. */
  #replace(state: CaState): void {
    this.#authority = createAuthority(state, this.#ttls);
    this.#writeRoots().catch((error: unknown) =>
      log.error({ err: error }, "the roots cannot be written to --storage-dir"),
    );
    this.#notify();
  }

  async #writeRoots(): Promise<void> {
    const dir = this.#flags["storage-dir"];
    if (dir) await writeFileAtomic(join(dir, "root-cert.pem"), this.authority().roots, { mode: 0o644 });
  }

  #notify(): void {
    for (const changed of [...this.#listeners]) changed();
  }

  #again(): void {
    this.#timer = setTimeout(() => {
      this.#looking = this.#look().then(() => {
        if (this.#timer) this.#again();
      });
    }, LOOK_MS);
    this.#timer.unref();
  }

  /** Two matters, each for itself: a list that cannot be read must not stop the rotation. */
  async #look(): Promise<void> {
    await this.#guarded("the revoked serial numbers could not be read; those of before stay", () =>
      this.#readRevoked(),
    );
    await this.#guarded("the root could not be rotated; trying again", () => this.#rotateIfDue());
  }

  async #guarded(what: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      log.error({ err: error }, what);
    }
  }

  async #rotateIfDue(): Promise<void> {
    const { state } = this.authority();
    const next = this.#selfSigned ? rotate(state, this.#policy, Date.now()) : state;
    if (next === state) return;
    await this.#use(next, true);
    log.info("the root rotation went one step on");
  }

  async #readRevoked(): Promise<void> {
    const dir = this.#flags["storage-dir"];
    if (!dir) return;
    const text = (await readOptional(join(dir, "revoked-serials"))) ?? "";
    if (text === this.#revokedText) return;
    this.#revokedText = text;
    const lines = text.split("\n").map((line) => line.replace(/#.*/, "").replaceAll(":", "").trim().toUpperCase());
    const serials = lines.filter((line) => SERIAL.test(line));
    const wrong = lines.filter((line) => line && !SERIAL.test(line));
    if (wrong.length > 0) log.error({ lines: wrong.slice(0, 5) }, "revoked-serials: lines that are no serial number");
    this.#revoked = new Set(serials.map((serial) => serial.replace(/^0+(?=.)/, "")));
    this.#notify();
  }
}

function fileStorage(path: string): CaStorage {
  return { load: () => readOptional(path), save: (text) => writeKeyFile(path, text) };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new XebecError("failed_precondition", `${path} cannot be read`, { cause: error });
  }
}

async function openPluggedIn(flags: CitadelFlags): Promise<CaState> {
  const file = async (flag: "signing-cert" | "signing-key" | "root-cert"): Promise<string> => {
    const path = flags[flag];
    const text = path ? await readOptional(path) : undefined;
    if (text !== undefined) return text;
    throw new XebecError(
      "failed_precondition",
      path
        ? `--${flag}: ${path} does not exist`
        : `--${flag} is needed beside --signing-cert or with --self-signed-ca=false`,
    );
  };
  const [certificate, key, root] = await Promise.all([file("signing-cert"), file("signing-key"), file("root-cert")]);
  const chain = flags["cert-chain"] ? ((await readOptional(flags["cert-chain"])) ?? "") : "";
  return { active: pluggedIn({ certificate, key, root, chain }), retired: [] };
}
