export { findProgram, type ProgramName, type ProgramPlaces } from "./find-program.ts";
export { type PortHolder, portHolder, portOwner } from "./listeners.ts";
export { type ProcessCost, processCost } from "./process-cost.ts";
export { otherProcessEnd } from "./process-end.ts";
export { INSTANCE_ID_ENV, POD_UID_ENV, PROCESS_ENVS, PROCESS_NAME_ENV, RUN_ID_ENV } from "./process-env.ts";
export { isRunning, type ProcessId, processOf, signalGroup, signalProcess } from "./process-id.ts";
export { listeningPorts, openConnections } from "./process-sockets.ts";
export { describeProcessesWithEnv, groupMembers, type ProcessWithEnv, processesWithEnv } from "./processes-with-env.ts";
