import { after, before, describe } from "node:test";
import { lessons } from "./lessons.ts";
import { Mesh } from "./mesh.ts";

describe("Bookinfo on six services", () => {
  let mesh: Mesh;
  before(async () => {
    mesh = await Mesh.start();
  });
  after(async () => {
    await mesh?.[Symbol.asyncDispose]();
  });
  lessons(() => mesh);
});
