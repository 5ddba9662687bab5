"""The program's words: help with defaults, wrong words, exit statuses."""
import unittest

from program import lathe, out

COMMANDS = ("run", "chat", "tokens", "logits", "inspect", "bench")


class Words(unittest.TestCase):
    def test_help_names_every_command(self):
        text = out("--help")
        for command in COMMANDS:
            self.assertIn(command, text)

    def test_help_of_every_command_prints_defaults(self):
        for command in COMMANDS:
            text, errors = lathe(command, "--help")
            self.assertIn("smollm2", text)
            self.assertEqual(errors, "")
        self.assertRegex(out("run", "--help"), r"--temp[^\n]*=0\b")
        self.assertRegex(out("chat", "--help"), r"--temp[^\n]*=0\.8")
        self.assertRegex(out("chat", "--help"), r"--seed[^\n]*=random")
        self.assertRegex(out("run", "--help"), r"--seed[^\n]*=0\b")
        self.assertRegex(out("bench", "--help"), r"512")

    def test_version(self):
        self.assertRegex(out("--version"), r"^lathe \d+\.\d+\.\d+\n$")

    def test_the_unknown_word_is_named(self):
        for words, says in ((["fly"], 'no command "fly"'), (["--fly"], 'no option "--fly"'),
                            (["fly", "away"], '"fly"'), (["bench", "vk"], "vk")):
            with self.subTest(words):
                self.assertIn(says, lathe(*words, status=2)[1])

    def test_wrong_words(self):
        for words in ([], ["fly"], ["run"], ["run", "a", "b"], ["run", "a", "--no-such-option"], ["tokens"],
                      ["logits", "--ids", "1"], ["inspect", "smollm2", "-m", "smollm2"]):
            with self.subTest(words):
                stdout, errors = lathe(*words, status=2)
                self.assertEqual(stdout, "")
                self.assertTrue(errors.startswith("lathe: "), errors)


if __name__ == "__main__":
    unittest.main()
