import { createHash } from "node:crypto";
import { lookup as resolve } from "node:dns";
import { availableParallelism } from "node:os";
import { createClientPool } from "@redis/client";
import {
  type Adapter,
  type AdapterHost,
  durationMs,
  type Handler,
  type HandlerContext,
  implementAdapter,
  type QuotaArgs,
  type QuotaInstance,
  type QuotaResult,
} from "@xebec/mixer-sdk";
import { keyBase, limitOf } from "./counters.ts";
import { type RedisQuota, type RedisquotaParams, redisquota, serverOf } from "./info.ts";
import { FIXED_WINDOW, ROLLING_WINDOW } from "./scripts.ts";

const CONNECT_MS = 2_000;
/** Most calls that wait in this process for the server. */
const MOST_QUEUED = 10_000;
const NOTHING: QuotaResult = { amount: 0, validMs: 0 };

/** Makes the adapter (docs/reference/mixer.md §6.4). @param host its limits say which servers handlers may use */
export function createAdapter({ limits }: Pick<AdapterHost, "limits">): Adapter {
  return implementAdapter(redisquota, async (params, context) => {
    const handler = new RedisQuotaHandler(params, context, (address) => limits.addressRefusal(address));
    try {
      await handler.start();
    } catch (error) {
      handler.close();
      throw error;
    }
    return handler;
  });
}

type Pool = ReturnType<typeof createClientPool>;

class RedisQuotaHandler implements Handler {
  readonly #quotas: ReadonlyMap<string, RedisQuota>;
  readonly #context: HandlerContext;
  readonly #pool: Pool;
  readonly #server: string;
  #reached = false;
  #ended = false;

  constructor(
    { quotas = [], redisServerUrl = "", connectionPoolSize = 10 }: RedisquotaParams,
    context: HandlerContext,
    refusal: (address: string) => string | undefined,
  ) {
    this.#quotas = new Map(quotas.map((each) => [each.name, each]));
    this.#context = context;
    this.#server = redisServerUrl;
    const { host, port } = serverOf(redisServerUrl) as { host: string; port: number };
    const most = Number(connectionPoolSize) || 10 * availableParallelism();
    this.#pool = createClientPool(
      {
        socket: {
          host,
          port,
          connectTimeout: CONNECT_MS,
          reconnectStrategy: (tries, cause) => this.#pause(tries, cause),
          lookup: guardedLookup(refusal),
        },
        commandsQueueMaxLength: MOST_QUEUED,
        disableOfflineQueue: true,
      },
      { minimum: 1, maximum: most, acquireTimeout: CONNECT_MS },
    );
    this.#pool.on("error", (error: Error) => this.#failed(error));
  }

  /** Reaches the server and loads the scripts. @throws Error when it does not answer */
  async start(): Promise<void> {
    await this.#pool.connect();
    await this.#pool.ping();
    this.#reached = true;
    for (const script of [FIXED_WINDOW, ROLLING_WINDOW]) await this.#pool.scriptLoad(script);
  }

  async quota(instance: QuotaInstance, { amount, bestEffort, deduplicationId }: QuotaArgs): Promise<QuotaResult> {
    const quota = this.#quotas.get(instance.name);
    // A limit of this adapter cannot be given back.
    if (!quota || amount <= 0) return NOTHING;
    const { max, override } = limitOf(quota, instance.dimensions);
    const base = keyBase(quota.name, override);
    const script = quota.rateLimitAlgorithm === "ROLLING_WINDOW" ? FIXED_OR_ROLLING[1] : FIXED_OR_ROLLING[0];
    const nanos = (text: string | undefined): string => String(Math.round(durationMs(text ?? "0s") * 1e6));
    const reply = await this.#run(script as Script, {
      keys: [`${base}.meta`, `${base}.data`, `${deduplicationId}-${base}.meta`],
      arguments: [
        String(max),
        nanos(quota.validDuration),
        nanos(quota.bucketDuration),
        bestEffort ? "1" : "0",
        String(amount),
        String(Math.round(this.#context.clock.now() * 1e6)),
        deduplicationId === "" ? "0" : "1",
      ],
    });
    if (!Array.isArray(reply)) throw new Error(`Redis at ${this.#server} answered with something else than a grant`);
    const [granted, remaining] = reply.map(Number) as [number, number];
    this.#context.health("ready");
    return granted > 0 ? { amount: granted, validMs: remaining / 1e6 } : NOTHING;
  }

  close(): void {
    this.#ended = true;
    this.#pool.destroy();
  }

  /** A server that was restarted knows the script no more. */
  async #run({ sha, text }: Script, options: { keys: string[]; arguments: string[] }): Promise<unknown> {
    try {
      return await this.#pool.evalSha(sha, options);
    } catch (error) {
      if (error instanceof Error && error.message.startsWith("NOSCRIPT")) return this.#pool.eval(text, options);
      throw new Error(`Redis at ${this.#server}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Milliseconds until the next try to connect. A server that does not answer at first does not start the handler. */
  #pause(tries: number, cause: Error): number | Error {
    return this.#ended || !this.#reached ? cause : Math.min(2_000, 50 * 2 ** Math.min(tries, 6));
  }

  #failed(error: Error): void {
    if (this.#ended) return;
    this.#context.health("degraded", `Redis at ${this.#server}: ${error.message}`);
  }
}

interface Script {
  readonly text: string;
  readonly sha: string;
}

const FIXED_OR_ROLLING: readonly Script[] = [FIXED_WINDOW, ROLLING_WINDOW].map((text) => ({
  text,
  sha: createHash("sha1").update(text).digest("hex"),
}));

type Lookup = (
  host: string,
  options: object,
  done: (error: NodeJS.ErrnoException | null, address: never, family?: never) => void,
) => void;

/** Resolves names as the system does, and refuses addresses that handlers may not call. */
function guardedLookup(refusal: (address: string) => string | undefined): Lookup {
  return (host, options, done) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error) return done(error, undefined as never);
      const open = found.filter(({ address }) => refusal(address) === undefined);
      const [first] = open;
      if (!first) {
        const why = found[0] ? refusal(found[0].address) : `${host} has no address`;
        return done(new Error(`${host}: ${why}`), undefined as never);
      }
      if ((options as { all?: boolean }).all) done(null, open as never);
      else done(null, first.address as never, first.family as never);
    });
  };
}
