import { isHttp, labelsMatch, protocolOfServicePort } from "@xebec/model-names";
import type { Analyzer } from "../analyzer.ts";
import { type AnalyzedObject, type Fields, fields, items, text, textMap } from "../object.ts";
import type { PodTemplate } from "../workload.ts";
import type { KnownService, World } from "../world.ts";

/** What a DestinationRule says clients do, and what a PeerAuthentication must not say of the server then. */
const REFUSED: Readonly<Record<string, string>> = { DISABLE: "STRICT", ISTIO_MUTUAL: "DISABLE" };

/** A DestinationRule has clients speak as the server's PeerAuthentication does not allow. */
export const mutualTlsConflicts: Analyzer = {
  name: "mtls.MTLSAnalyzer",
  analyze(world, report) {
    for (const object of world.all("networking.istio.io", "DestinationRule")) {
      const host = text(object.spec.host);
      const service = world.serviceOf(world.fullHost(host, object.namespace), object.namespace);
      if (!service) continue;
      for (const { mode, path, port, labels } of clientModes(object)) {
        const refused = REFUSED[mode];
        if (refused === undefined) continue;
        const pods = world.podsOf(service).filter((pod) => labelsMatch(labels, pod.labels));
        const policy = pods
          .map((pod) => conflicting(world, pod, targetPorts(service, port), refused))
          .find((each) => each !== undefined);
        if (!policy) continue;
        const what = `clients of ${host} speak ${mode === "DISABLE" ? "plaintext" : "mutual TLS"} (${mode}), and the PeerAuthentication ${policy.namespace}/${policy.name} says ${refused} for its pods: no connection succeeds`;
        report("MTLSPolicyConflict", object, what, path);
      }
    }
  },
};

interface ClientMode {
  readonly mode: string;
  readonly path: readonly (string | number)[];
  /** Undefined for all ports. */
  readonly port: number | undefined;
  /** Of the subset's pods. */
  readonly labels: Readonly<Record<string, string>>;
}

function* clientModes({ spec }: AnalyzedObject): Generator<ClientMode> {
  yield* ofPolicy(fields(spec.trafficPolicy), ["spec", "trafficPolicy"], {});
  for (const [i, subset] of items(spec.subsets).entries())
    yield* ofPolicy(fields(subset.trafficPolicy), ["spec", "subsets", i, "trafficPolicy"], textMap(subset.labels));
}

function* ofPolicy(policy: Fields, at: ClientMode["path"], labels: ClientMode["labels"]): Generator<ClientMode> {
  yield { mode: text(fields(policy.tls).mode), path: [...at, "tls"], port: undefined, labels };
  for (const [i, each] of items(policy.portLevelSettings).entries()) {
    const port = Number(fields(each.port).number);
    yield { mode: text(fields(each.tls).mode), path: [...at, "portLevelSettings", i, "tls"], port, labels };
  }
}

/** The numbers of the pods' ports; a port by name is not among them. */
function targetPorts({ ports }: KnownService, only: number | undefined): readonly number[] {
  return ports
    .filter((each) => only === undefined || Number(each.port) === only)
    .map((each) => Number(each.targetPort ?? each.port));
}

/** The policy that gives every one of a pod's ports this mode. */
function conflicting(
  world: World,
  pod: PodTemplate,
  ports: readonly number[],
  mode: string,
): AnalyzedObject | undefined {
  const [policy, ...rest] = policiesOf(world, pod);
  if (!policy || ports.length === 0) return undefined;
  const own = fields(policy.spec.portLevelMtls);
  const general = [policy, ...rest].map((each) => modeOf(each.spec.mtls)).find((each) => each !== "UNSET");
  const isAll = ports.every((port) => {
    const special = modeOf(own[String(port)]);
    return (special === "UNSET" ? general : special) === mode;
  });
  return isAll ? policy : undefined;
}

function modeOf(mtls: unknown): string {
  return text(fields(mtls).mode) || "UNSET";
}

/** Those of the workload, of its namespace and of the mesh, in this order. */
function policiesOf(world: World, pod: PodTemplate): AnalyzedObject[] {
  const all = world.all("security.istio.io", "PeerAuthentication");
  const selector = ({ spec }: AnalyzedObject): Readonly<Record<string, string>> =>
    textMap(fields(spec.selector).matchLabels);
  const isGeneral = (each: AnalyzedObject): boolean => Object.keys(selector(each)).length === 0;
  const own = all.filter(({ namespace }) => namespace === pod.namespace);
  return [
    own.find((each) => !isGeneral(each) && labelsMatch(selector(each), pod.labels)),
    own.find(isGeneral),
    all.find((each) => each.namespace === world.rootNamespace && isGeneral(each)),
  ].filter((each) => each !== undefined);
}

/** A Policy of Istio 1.1 has tokens checked at ports that carry no HTTP. */
export const tokenPorts: Analyzer = {
  name: "auth.JwtAnalyzer",
  analyze(world, report) {
    for (const object of world.all("authentication.istio.io", "Policy")) {
      if (items(object.spec.origins).every(({ jwt }) => jwt === undefined)) continue;
      for (const [i, target] of items(object.spec.targets).entries()) {
        const host = world.fullHost(text(target.name), object.namespace);
        const service = world.serviceOf(host, object.namespace);
        const wanted = items(target.ports);
        for (const port of service?.ports ?? []) {
          const isMeant = wanted.some((each) =>
            each.name === undefined ? Number(each.number) === Number(port.port) : text(each.name) === text(port.name),
          );
          if ((wanted.length > 0 && !isMeant) || carriesTokens(port)) continue;
          const what = `tokens are not checked at the port ${text(port.port)} of ${text(target.name)}: its name "${text(port.name)}" says a protocol other than HTTP`;
          report("JwtFailureDueToInvalidServicePortPrefix", object, what, ["spec", "targets", i]);
        }
      }
    }
  },
};

/** A port without protocol carries them, too, when a request does: it is sniffed. */
function carriesTokens(port: Fields): boolean {
  const protocol = protocolOfServicePort({
    ...{ name: text(port.name), port: Number(port.port), protocol: text(port.protocol) || "TCP" },
    ...(port.appProtocol === undefined ? {} : { appProtocol: text(port.appProtocol) }),
  });
  return protocol === "Auto" || isHttp(protocol);
}
