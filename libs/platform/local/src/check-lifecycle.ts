type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);

const PROBES = ["startupProbe", "readinessProbe", "livenessProbe"] as const;
/** What a probe may do, and what a hook may do. */
const PROBE_ACTIONS = ["exec", "httpGet", "tcpSocket", "grpc"];
const HOOK_ACTIONS = ["exec", "httpGet", "tcpSocket", "sleep"];
/** Fields of a probe in seconds or times, with their smallest value. */
const LEAST = {
  initialDelaySeconds: 0,
  periodSeconds: 1,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 1,
  terminationGracePeriodSeconds: 1,
} as const;
const MOST = 2 ** 31 - 1;

/**
 * Checks what a Deployment says of its rollout and of the life of its containers, as the API server does.
 * @param spec the Deployment's spec, whose template has a list of containers
 * @throws Error that names the field
 */
export function checkLifecycle(spec: Fields): void {
  whole(spec.minReadySeconds, "spec.minReadySeconds", 0);
  const strategy = map(spec.strategy, "spec.strategy");
  if (strategy.type !== undefined && strategy.type !== "RollingUpdate" && strategy.type !== "Recreate")
    throw new Error(`spec.strategy.type must be RollingUpdate or Recreate, not ${JSON.stringify(strategy.type)}`);
  const rolling = map(strategy.rollingUpdate, "spec.strategy.rollingUpdate");
  if (strategy.type === "Recreate" && strategy.rollingUpdate !== undefined && strategy.rollingUpdate !== null)
    throw new Error("spec.strategy.rollingUpdate must not stand beside type Recreate");
  for (const name of ["maxSurge", "maxUnavailable"] as const)
    share(rolling[name], `spec.strategy.rollingUpdate.${name}`);
  const pod = map(map(spec.template, "spec.template").spec, "spec.template.spec");
  whole(pod.terminationGracePeriodSeconds, "spec.template.spec.terminationGracePeriodSeconds", 0);
  for (const [i, container] of (pod.containers as readonly Fields[]).entries()) {
    const at = `spec.template.spec.containers[${i}]`;
    for (const name of PROBES) probe(container[name], `${at}.${name}`, container);
    const lifecycle = map(container.lifecycle, `${at}.lifecycle`);
    for (const name of ["preStop", "postStart"])
      if (lifecycle[name]) action(lifecycle[name], `${at}.lifecycle.${name}`, HOOK_ACTIONS, container);
  }
}

function probe(value: unknown, at: string, container: Fields): void {
  if (value === undefined || value === null) return;
  action(value, at, PROBE_ACTIONS, container);
  for (const [name, least] of Object.entries(LEAST)) whole((value as Fields)[name], `${at}.${name}`, least);
  if (!at.endsWith("readinessProbe") && ![undefined, null, 1].includes((value as Fields).successThreshold as number))
    throw new Error(`${at}.successThreshold must be 1`);
}

function action(value: unknown, at: string, known: readonly string[], container: Fields): void {
  const fields = map(value, at);
  const given = known.filter((name) => fields[name] !== undefined && fields[name] !== null);
  const [name] = given;
  if (name === undefined || given.length > 1)
    throw new Error(
      `${at} must have one of ${known.join(", ")}${given.length > 1 ? `, not ${given.join(" and ")}` : ""}`,
    );
  const what = map(fields[name], `${at}.${name}`);
  if (name === "sleep") whole(what.seconds, `${at}.sleep.seconds`, 1, true);
  else if (name === "exec") command(what.command, `${at}.exec.command`);
  else port(what.port, `${at}.${name}.port`, container);
}

function command(value: unknown, at: string): void {
  if (!Array.isArray(value) || value.length === 0 || value.some((each) => typeof each !== "string"))
    throw new Error(`${at} must be a list of texts`);
}

function port(value: unknown, at: string, { ports }: Fields): void {
  if (typeof value === "number") {
    if (Number.isInteger(value) && value >= 1 && value <= 65_535) return;
    throw new Error(`${at} must be a number from 1 to 65535, or the name of a port`);
  }
  const names = (Array.isArray(ports) ? ports : []).flatMap((each) => (isFields(each) ? [each.name] : []));
  if (typeof value !== "string" || !names.includes(value))
    throw new Error(`${at}: the container has no port named ${JSON.stringify(value ?? "")}`);
}

function map(value: unknown, at: string): Fields {
  if (value === undefined || value === null) return {};
  if (isFields(value)) return value;
  throw new Error(`${at} must be a map`);
}

function whole(value: unknown, at: string, least: number, isRequired = false): void {
  if ((value === undefined || value === null) && !isRequired) return;
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > MOST)
    throw new Error(`${at} must be a whole number of at least ${least}`);
}

function share(value: unknown, at: string): void {
  if (value === undefined || value === null) return;
  if (typeof value === "string" ? /^(\d{1,2}|100)%$/.test(value) : Number.isInteger(value) && (value as number) >= 0)
    return;
  throw new Error(`${at} must be a number of pods or a percentage such as "25%"`);
}
