export { QuotaModel, type Timing } from "./model.ts";
export { type Asked, askedOf, checkSchedule, type ScheduleOptions, type Step, schedules } from "./schedule.ts";
