export { type CheckInput, check, FITS_SHARE_MIN, judgeChecks } from "./check.ts";
export { type ColumnProfile, momentText, type Profile, profileSql, readProfile } from "./profile.ts";
