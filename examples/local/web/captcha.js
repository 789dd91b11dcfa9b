// A stand-in for a CAPTCHA, only for examples/local: whoever says that he is a person
// gets a token from the program, and whoever says that he is a robot has none that
// passes. README.md says how to write this file for a provider.

/**
 * solve shows the CAPTCHA in an element, and gives the token that it brings.
 * @param {HTMLElement} element
 * @param {Record<string, string>} parameters of the challenge: provider, siteKey, action
 * @returns {Promise<string>}
 */
export function solve(element, _parameters) {
  const box = document.createElement("div");
  box.className = "captcha";
  box.lang = "en";
  box.dir = "ltr";
  const person = button("I am a person"), robot = button("I am a robot");
  box.append("Stand-in for a CAPTCHA", person, robot);
  element.replaceChildren(box);
  return new Promise((resolve, reject) => {
    robot.onclick = () => resolve("robot");
    person.onclick = () => fetch("/_local/captcha", { method: "POST" }).then((r) => r.json()).then(({ token }) => resolve(token)).catch(reject);
  });
}

function button(text) {
  const element = document.createElement("button");
  element.type = "button";
  element.className = "secondary";
  element.textContent = text;
  return element;
}
