/* login.mjs - asking for a token.  It stays in this tab, and goes with it. */
import { $, setText } from "./dom.mjs";

/* Ask until one is known; then done() is called. */
export function loginBegin(source, done) {
	const dialog = $("login"), input = $("token");
	dialog.addEventListener("cancel", (e) => e.preventDefault());
	$("login-form").addEventListener("submit", async (e) => {
		e.preventDefault();
		source.setToken(input.value.trim());
		try {
			await source.about();
			input.value = "";
			dialog.close();
			done();
		} catch (error) {
			source.setToken(null);
			setText($("login-wrong"), error.message === "a token is needed" ? "This token is not known." : error.message);
			input.focus();
		}
	});
	$("logout").addEventListener("click", () => {
		source.setToken(null);
		location.reload();
	});
}

export function login() {
	if (!$("login").open)
		$("login").showModal();
}
