export { type AccessKey, type AccessKeyInfo, type AccessKeys, type AccessKeysOptions, createAccessKeys } from "./access-keys.ts";
export { type AccessResources, accessVerbs } from "./access-verbs.ts";
export { type Actor, LOCAL, mayDo, OWNER, STRANGER } from "./actors.ts";
export { type Audit, type AuditEntry, type AuditRow, type ChainState, createAudit } from "./audit.ts";
export { type BoundCall, type Call, type CallOptions, createCall } from "./call.ts";
export { checkJson, describe, type Mismatch } from "./check-json.ts";
export { type KeyringOptions, openKeyring, type WorkspaceKeyring } from "./keyring.ts";
export { openTokens, type Tokens, type TokensOptions } from "./tokens.ts";
export { type LockInfo, lockWorkspace, readLock, type WorkspaceLock } from "./workspace-lock.ts";
