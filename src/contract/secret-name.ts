/** Where a credential is asked for, `secret:NAME` stands for the secret of that name, whose value is read when it is used. */
export const SECRET_NAME = "^[a-z][a-z0-9-]{0,62}$";

const PREFIX = "secret:";
const NAME = new RegExp(SECRET_NAME);

export const namesSecret = (text: string): boolean => text.startsWith(PREFIX);

/** null: the text names none, or not as a name is written. */
export const secretNamed = (text: string): string | null => {
  const name = namesSecret(text) ? text.slice(PREFIX.length) : "";
  return NAME.test(name) ? name : null;
};
