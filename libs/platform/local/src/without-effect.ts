type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields =>
  value !== null && typeof value === "object" && !Array.isArray(value);
const words = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/));

/** What the laptop platform acts on; everything else that Kubernetes has is reported. */
const EFFECTIVE = {
  deployment: words("replicas selector template strategy minReadySeconds"),
  pod: words("containers volumes serviceAccountName terminationGracePeriodSeconds"),
  container: words(
    "name image imagePullPolicy command args env ports volumeMounts startupProbe readinessProbe livenessProbe lifecycle",
  ),
  lifecycle: words("preStop"),
  port: words("name containerPort protocol"),
  mount: words("name mountPath subPath"),
  volume: words("name configMap secret downwardAPI emptyDir projected"),
};
/** Values that say what would be so without them. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  restartPolicy: "Always",
  dnsPolicy: "ClusterFirst",
  schedulerName: "default-scheduler",
  enableServiceLinks: true,
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
  paused: false,
};

/**
 * The fields of a Deployment that Kubernetes would act on and this platform does not, by the place where they stand.
 * @param known Kubernetes' own fields at each place; another one is reported elsewhere
 * @returns a sentence for each place
 */
export function withoutEffect(
  { spec }: Fields,
  known: Readonly<Record<keyof typeof EFFECTIVE, readonly string[]>>,
): string[] {
  if (!isFields(spec)) return [];
  const pod = isFields(spec.template) && isFields(spec.template.spec) ? spec.template.spec : {};
  const at = "spec.template.spec";
  const ineffective = (fields: Fields, path: string, place: keyof typeof EFFECTIVE): string[] => {
    const names = Object.keys(fields).filter(
      (name) =>
        !EFFECTIVE[place].has(name) &&
        known[place].includes(name) &&
        !isEmpty(fields[name]) &&
        DEFAULTS[name] !== fields[name],
    );
    if (names.length === 0) return [];
    return [`${path}: ${names.join(", ")} ${names.length === 1 ? "has" : "have"} no effect on this platform`];
  };
  return [
    ...ineffective(spec, "spec", "deployment"),
    ...ineffective(pod, at, "pod"),
    ...list(pod.containers).flatMap((container, i) => {
      const path = `${at}.containers[${i}]`;
      return [
        ...ineffective(container, path, "container"),
        ...(isFields(container.lifecycle) ? ineffective(container.lifecycle, `${path}.lifecycle`, "lifecycle") : []),
        ...list(container.ports).flatMap((each, j) => ineffective(each, `${path}.ports[${j}]`, "port")),
        ...list(container.volumeMounts).flatMap((each, j) => ineffective(each, `${path}.volumeMounts[${j}]`, "mount")),
      ];
    }),
    ...list(pod.volumes).flatMap((each, i) => ineffective(each, `${at}.volumes[${i}]`, "volume")),
  ];
}

function list(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.filter(isFields) : [];
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isFields(value) && Object.keys(value).length === 0;
}
