/**
 * Whom a login at the OpenID provider lets in, and as what. An address that the provider has verified names the user who has it. Groups give the roles that
 * the configuration says, at each login anew; a member of one who has no user yet gets one. For all others none is made.
 */
import { asMillError, createQueues, type Json, MillError } from "../../base/index.ts";
import { RESERVED } from "../actors.ts";
import type { Audit } from "../audit/audit.ts";
import { type Accounts, inForce } from "../people/accounts.ts";
import type { User } from "../people/users.ts";

export interface OidcClaims {
  readonly subject: string;
  /** null: none, or not verified. */
  readonly email: string | null;
  readonly displayName: string;
  readonly groups: readonly string[];
}

export interface OidcRuleOptions {
  readonly accounts: Accounts;
  readonly audit: Pick<Audit, "record">;
  readonly roles: readonly (readonly [group: string, role: string])[];
}

/** Gives the user's name. Errors: `guard.oidc-not-admitted`, `guard.user-disabled`, `guard.role-unknown` for a role of the rule that there is not. */
export type OidcRule = (claims: OidcClaims) => Promise<string>;

/** In the records, who granted a role: no user can have this name. */
export const GRANTED_BY = "oidc:groups";

export function createOidcRule({ accounts, audit, roles: rule }: OidcRuleOptions): OidcRule {
  const inLine = createQueues();
  const { users } = accounts;

  const admit: OidcRule = async (claims) => {
    const { email, displayName, groups } = claims;
    if (email === null) throw notAdmitted("the provider gives no address that it has verified");
    const roles = [...new Set(rule.flatMap(([group, role]) => (groups.includes(group) ? [role] : [])))];
    const all = await users.list();
    const known = all.filter((user) => user.email?.toLowerCase() === email.toLowerCase());
    const [user, another] = known.filter(({ disabledAt }) => disabledAt === null);
    if (another !== undefined) throw notAdmitted(`${email} is the address of two users, ${user!.name} and ${another.name}`);
    if (user === undefined && known.length > 0) inForce(await accounts.find(known[0]!.name), known[0]!.name);
    if (user !== undefined && user.kind !== "person") throw notAdmitted(`${email} is the address of a service account`);
    if (user === undefined && roles.length === 0)
      throw notAdmitted(`${email} is the address of no user, and no group gives a role`);
    await accounts.roles.require(roles);
    const name = user?.name ?? freeName(email, all);
    if (user === undefined) {
      const made = await users
        .create({ name, kind: "person", email, displayName, roles: [], by: GRANTED_BY })
        .catch(unlessExists);
      if (made === TAKEN) return admit(claims); // another server was first
    }
    const granted = await users.setGranted(name, roles, GRANTED_BY);
    if (user === undefined || granted.given.length + granted.taken.length > 0)
      await audit.record({
        actor: name,
        verb: "oidcLogin",
        target: name,
        outcome: "done",
        detail: { made: user === undefined, email, given: granted.given, taken: granted.taken } satisfies Json,
      });
    const { actor } = inForce(await accounts.find(name), name);
    if (actor.roles.length === 0) throw notAdmitted(`the user "${name}" has no role, and no group gives one`);
    return name;
  };

  return (claims) => inLine("admit", () => admit(claims));
}

const TAKEN = Symbol("taken");
function unlessExists(thrown: unknown): typeof TAKEN {
  if (asMillError(thrown).code === "guard.user-exists") return TAKEN;
  throw thrown;
}

/** What stands before the @, in the letters of names; numbered where it is taken. */
function freeName(email: string, users: readonly User[]): string {
  const taken = new Set([...users.map(({ name }) => name), ...RESERVED]);
  const base = email
    .split("@")[0]!
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[-0-9]+|-+$/g, "")
    .slice(0, 50);
  const name = base === "" ? "person" : base;
  for (let number = 1; ; number++) {
    const numbered = number === 1 ? name : `${name}-${number}`;
    if (!taken.has(numbered)) return numbered;
  }
}

const notAdmitted = (why: string) =>
  new MillError("guard.oidc-not-admitted", `You are not let in: ${why}.`, {
    expected: "a verified address that a user has, or a group that `oidcRoles` gives a role",
    fix: "Ask someone with admin: mill user create NAME --email ADDRESS --roles ROLE",
  });
