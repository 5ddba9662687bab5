"""lathe chat: conversations over a pipe."""
import re
import signal
import subprocess
import unittest

from program import MODEL_WITHOUT_TEMPLATE, PROGRAM, lathe, out, trace_steps

LONG = "My name is Ada. " * 12 + "Say hello."


class Chat(unittest.TestCase):
    def test_answers_each_line(self):
        answer = out("chat", "--temp", 0, "-n", 12, stdin="What color is the sky?\nAnd grass?\n")
        self.assertIn("blue", answer.lower())
        self.assertGreaterEqual(answer.count("\n"), 2)

    def test_the_first_answer_is_that_of_run(self):
        line = "What color is the sky?"
        self.assertEqual(out("chat", "--temp", 0, "-n", 12, stdin=line + "\n"), out("run", line, "-n", 12))

    def test_later_turns_reuse_the_cache(self):
        _, errors = lathe("chat", "--temp", 0, "-n", 8, "--trace", stdin=f"{LONG}\nThank you.\n")
        first, second = trace_steps(errors)
        reused = [int(re.search(r"\((\d+) more reused\)", steps[2]).group(1)) for steps in (first, second)]
        self.assertEqual(reused[0], 0)
        self.assertGreaterEqual(reused[1], 64)

    def test_clear_starts_over(self):
        line = "What color is the sky?"
        once = out("chat", "--temp", 0, "-n", 12, stdin=line + "\n")
        self.assertEqual(out("chat", "--temp", 0, "-n", 12, stdin=f"{line}\n/clear\n{line}\n"), once * 2)

    def test_exit_leaves(self):
        self.assertEqual(out("chat", "-n", 4, stdin="/exit\nhello\n"), "")

    def test_samples_by_its_seed(self):
        texts = {out("chat", "-n", 16, "--seed", seed, stdin="Tell me a story.\n") for seed in (1, 1, 2)}
        self.assertEqual(len(texts), 2)

    def test_a_model_without_template_is_refused_by_name(self):
        stdout, errors = lathe("chat", "-m", MODEL_WITHOUT_TEMPLATE, stdin="hello\n", status=1)
        self.assertEqual(stdout, "")
        for part in ("Gemma 3 270m", "chat template", "--raw"):
            self.assertIn(part, errors)

    def test_a_turn_that_does_not_fit_is_refused_with_both_numbers(self):
        _, errors = lathe("chat", "--ctx", 64, stdin="word " * 200 + "\n", status=1)
        self.assertRegex(errors, r"^lathe: .*\b64\b")
        self.assertRegex(errors, r"\b2\d\d\b")

    def test_ctrl_c_ends_the_answer_and_not_the_chat(self):
        process = subprocess.Popen([PROGRAM, "chat", "--temp", "0", "--trace"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdin.write(b"Write a very long story about the sea.\n")
        process.stdin.flush()
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(b"What color is the sky?\n", timeout=60)
        self.assertEqual(process.returncode, 0)
        first, second = trace_steps(errors.decode())
        self.assertIn("ended by: cancelled", first[3])
        self.assertNotIn("cancelled", second[3])


if __name__ == "__main__":
    unittest.main()
