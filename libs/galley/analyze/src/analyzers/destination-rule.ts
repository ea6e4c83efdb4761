import { labelsMatch } from "@xebec/model-names";
import type { Analyzer } from "../analyzer.ts";
import { fields, items, text, textMap } from "../object.ts";

const GROUP = "networking.istio.io";

/** TLS without roots to check the server's certificate by. */
export const serverCertificates: Analyzer = {
  name: "destinationrule.CaCertificateAnalyzer",
  analyze(world, report) {
    for (const object of world.all(GROUP, "DestinationRule")) {
      const policy = fields(object.spec.trafficPolicy);
      const lacksRoots = (value: unknown): string => {
        const tls = fields(value);
        const mode = text(tls.mode);
        if (mode !== "SIMPLE" && mode !== "MUTUAL") return "";
        return text(tls.caCertificates) || text(tls.credentialName) || tls.insecureSkipVerify === true ? "" : mode;
      };
      const host = text(object.spec.host);
      const mode = lacksRoots(policy.tls);
      const advice = "without caCertificates, so the server's certificate is not checked by roots of its own";
      if (mode)
        report(
          "NoServerCertificateVerificationDestinationLevel",
          object,
          `TLS of mode ${mode} for the host ${host} is ${advice}`,
          ["spec", "trafficPolicy", "tls"],
        );
      for (const [i, each] of items(policy.portLevelSettings).entries()) {
        const portMode = lacksRoots(each.tls);
        if (!portMode) continue;
        const port = text(fields(each.port).number);
        const what = `TLS of mode ${portMode} for port ${port} of the host ${host} is ${advice}`;
        const path = ["spec", "trafficPolicy", "portLevelSettings", i, "tls"];
        report("NoServerCertificateVerificationPortLevel", object, what, path);
      }
    }
  },
};

/** The host is there, and each subset has pods. */
export const subsets: Analyzer = {
  name: "destinationrule.SubsetSelectPodAnalyzer",
  analyze(world, report) {
    for (const object of world.all(GROUP, "DestinationRule")) {
      const host = text(object.spec.host);
      const full = world.fullHost(host, object.namespace);
      const service = world.serviceOf(full, object.namespace);
      if (!service) {
        const isKnown = full.startsWith("*") && world.services.some((each) => each.host.endsWith(full.slice(1)));
        if (!isKnown)
          report("UnknownDestinationRuleHost", object, `no service of the mesh has the host ${host}`, ["spec", "host"]);
        continue;
      }
      const pods = world.podsOf(service);
      // A service without pods says it about itself.
      if (!service.selector) continue;
      for (const [i, subset] of items(object.spec.subsets).entries()) {
        const labels = textMap(subset.labels);
        if (Object.keys(labels).length === 0 || pods.some((pod) => labelsMatch(labels, pod.labels))) continue;
        const what = `the subset ${text(subset.name)} selects no pod`;
        report("DestinationRuleSubsetNotSelectPods", object, what, ["spec", "subsets", i]);
      }
    }
  },
};
