import type { Component } from "@xebec/core-lifecycle";
import { type Bus, createConditions } from "@xebec/platform-bus";
import { createConfigPublisher } from "./config-publisher.ts";
import { createDirectorySource } from "./directory/directory-source.ts";

/**
 * What a service needs to read a directory itself, without a galley beside it.
 * @param dir the directory of YAML files; empty or absent when the service has none of its own
 * @param bus where it publishes the objects, and their conditions in galley's name
 * @returns one component, or none
 */
export function standaloneSource(dir: string | undefined, bus: Bus): Component[] {
  if (!dir) return [];
  return [
    createConfigPublisher({ sources: [createDirectorySource(dir)], bus, conditions: createConditions(bus, "galley") }),
  ];
}
