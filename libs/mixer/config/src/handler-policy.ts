import { durationMs, type FailurePolicy, parseGoDuration } from "@xebec/mixer-sdk";
import type { Resource } from "@xebec/model-resources";

/**
 * What a call means whose handler fails or is late. `open`: as if nothing had been asked; a quota is granted. `closed`: a check is
 * denied with UNAVAILABLE and no quota is granted. `caller`: the call fails, as in Mixer, so that the mesh's `policyCheckFailOpen` decides.
 */
export type FailureMode = "open" | "closed" | "caller";

/** What is declared of a handler besides its parameters. */
export interface HandlerPolicy {
  readonly failure: FailureMode;
  /** Milliseconds that an answer may take; a default for each sort of call when it is absent. */
  readonly timeoutMs?: number;
  /** So many failures in a row make it `failing` (5). */
  readonly failures?: number;
  /** How long it is left alone then, in milliseconds; absent: from half a second on, twice as long each time, 10 s at most. */
  readonly pauseMs?: number;
}

/** Annotations of handlers, legacy kinds included. */
export const FAILURE_ANNOTATION = "mixer.xebec.io/failure";
export const TIMEOUT_ANNOTATION = "mixer.xebec.io/timeout";

/**
 * Reads what an object's annotations declare.
 * @param preset what holds for handlers of this adapter that say nothing themselves
 * @returns it, and what is wrong with them: sentences; the defaults hold then
 */
export function handlerPolicyOf(
  { annotations = {} }: Pick<Resource, "annotations">,
  preset: FailurePolicy = {},
): {
  readonly policy: HandlerPolicy;
  readonly problems: readonly string[];
} {
  const problems: string[] = [];
  const mode = annotations[FAILURE_ANNOTATION];
  const isMode = mode === "open" || mode === "closed" || mode === "caller";
  if (mode !== undefined && !isMode)
    problems.push(`metadata.annotations.${FAILURE_ANNOTATION}: must be open, closed or caller, not "${mode}"`);
  const text = annotations[TIMEOUT_ANNOTATION];
  const nanos = text === undefined ? undefined : parseGoDuration(text);
  const ms = nanos === undefined ? undefined : Number(nanos) / 1e6;
  const isTime = ms !== undefined && ms >= 1 && ms <= 3_600_000;
  if (text !== undefined && !isTime)
    problems.push(`metadata.annotations.${TIMEOUT_ANNOTATION}: must be a duration from 1ms to 1h, not "${text}"`);
  const timeoutMs = isTime ? ms : preset.timeout === undefined ? undefined : durationMs(preset.timeout);
  const { failures, openFor } = preset.breaker ?? {};
  return {
    policy: {
      failure: isMode ? mode : presetMode(preset.open),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(failures === undefined ? {} : { failures }),
      ...(openFor === undefined ? {} : { pauseMs: durationMs(openFor) }),
    },
    problems,
  };
}

/**
 * What a handler's annotation declares for requests that nobody answers.
 * @returns undefined where it declares nothing that can be read, or leaves it to the mesh
 */
export function declaredFailure({ annotations }: Pick<Resource, "annotations">): "open" | "closed" | undefined {
  const mode = annotations?.[FAILURE_ANNOTATION];
  return mode === "open" || mode === "closed" ? mode : undefined;
}

function presetMode(open: boolean | undefined): FailureMode {
  if (open === undefined) return "caller";
  return open ? "open" : "closed";
}
