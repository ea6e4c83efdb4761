import { double, field, list, map, message, required, string, struct, uint32 } from "@xebec/model-schema";

// Messages and types that several kinds share (docs/reference/pilot.md §3).

export const Labels = map(string());

/** A port number. */
export const port = () => uint32({ minimum: 1, maximum: 65_535 });

/** A part of all requests. */
export const percentage = () => double({ minimum: 0, maximum: 100 });

/** Namespaces that see an object. */
export const ExportTo = list(string({ minLength: 1 }));

export const StringMatch = message("StringMatch", {
  exact: field(string(), "The string is this one."),
  prefix: field(string(), "The string begins with this."),
  regex: field(string(), "The whole string matches this RE2 regular expression."),
});

export const Percent = message("Percent", {
  value: field(percentage(), "From 0 to 100, in steps of 0.0001.", { default: 0 }),
});

export const PortSelector = message("PortSelector", {
  number: field(port(), "The number of a port of the service. One of `number` and `name` is required."),
  name: field(string(), "The name of a port of the service, as in Istio 1.1."),
});

export const Destination = message("Destination", {
  host: required(
    string({ minLength: 1 }),
    "The service: a full name, a name with its namespace, or a short name, which is looked up in the object's own namespace.",
  ),
  subset: field(string(), "A subset that a DestinationRule for the host defines."),
  port: field(PortSelector, "The port of the service.", {
    defaultText: "the service's only port, or the one that was called",
  }),
});

/** Selects workloads of the object's own namespace. */
export const WorkloadSelector = message("WorkloadSelector", {
  matchLabels: field(Labels, "A workload is selected when it has all of these labels.", {
    defaultText: "all workloads of the namespace",
  }),
});

/** A field with a message that Istio has, whose parts this version does not look at. */
export const unread = struct;
