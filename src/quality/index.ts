export { type CheckInput, check, judgeChecks } from "./check.ts";
export { type ColumnProfile, momentText, type Profile, profileSql, readProfile } from "./profile.ts";
