"""lathe chat: conversations over a pipe."""
import os
import pty
import re
import signal
import subprocess
import time
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

    def test_without_a_seed_answers_differ(self):
        texts = {out("chat", "-n", 24, "--temp", 1.5, stdin="Tell me a story.\n") for _ in range(4)}
        self.assertGreater(len(texts), 1)

    def test_a_model_without_template_is_refused_by_name(self):
        stdout, errors = lathe("chat", "-m", MODEL_WITHOUT_TEMPLATE, stdin="hello\n", status=1)
        self.assertEqual(stdout, "")
        for part in ("Gemma 3 270m", "chat template", "--raw"):
            self.assertIn(part, errors)

    def test_a_turn_that_does_not_fit_is_refused_with_both_numbers(self):
        _, errors = lathe("chat", "--ctx", 64, stdin="word " * 200 + "\n", status=1)
        self.assertRegex(errors, r"^lathe: .*\b64\b")
        self.assertRegex(errors, r"\b2\d\d\b")
        self.assertIn("/clear starts over", errors)

    def test_a_full_context_is_said(self):
        stdout, errors = lathe("chat", "--ctx", 64, "--temp", 0, stdin="Tell me a long story.\n")
        self.assertTrue(stdout.strip())
        self.assertEqual(errors, "lathe: the context of 64 tokens is full (/clear starts over)\n")

    def test_ctrl_c_ends_the_answer_and_not_the_chat(self):
        # The second answer depends on where the first is cut, and would be long now and then.
        process = subprocess.Popen([PROGRAM, "chat", "--temp", "0", "-n", "400", "--trace"], stdin=subprocess.PIPE,
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


class Terminal(unittest.TestCase):
    """Chats whose stdin is a terminal, with the keys as they are typed."""

    def setUp(self):
        self.keyboard, terminal = pty.openpty()
        self.addCleanup(os.close, self.keyboard)
        self.process = subprocess.Popen([PROGRAM, "chat", "--temp", "0"], stdin=terminal, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, start_new_session=True)
        os.close(terminal)
        for pipe in (self.process.stdout, self.process.stderr):
            self.addCleanup(pipe.close)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.until("leaves.\n> ")

    def until(self, text):
        """What stderr says up to `text`, which it must end with."""
        said = b""
        while not said.endswith(text.encode()):
            byte = self.process.stderr.read(1)
            self.assertTrue(byte, f"the chat ended behind {said}")
            said += byte
        return said.decode()

    def type(self, text):
        os.write(self.keyboard, text.encode())

    def ctrl_c(self):
        self.process.send_signal(signal.SIGINT)

    def begin_answer(self):
        self.type("Write a very long story about the sea.\n")
        self.process.stdout.read(1)

    def leave(self):
        self.type("/exit\n")
        self.assertEqual(self.process.wait(30), 0)

    def hurried_ctrl_c(self, pause):
        self.begin_answer()
        self.ctrl_c()
        time.sleep(pause)
        self.ctrl_c()
        self.until("> ")
        time.sleep(0.5)  # signals and keys come on two ways: the key must not overtake
        self.type("/clear\nWhat color is the sky?\n")  # what follows half a story is anybody's guess
        self.leave()
        self.assertIn(b"blue", self.process.stdout.read())

    def test_ctrl_c_twice_ends_the_answer_and_not_the_chat(self):
        self.hurried_ctrl_c(pause=0.001)

    def test_ctrl_c_twice_more_slowly_ends_the_answer_and_not_the_chat(self):
        self.hurried_ctrl_c(pause=0.01)

    def test_the_first_ctrl_c_at_a_prompt_gives_a_hint(self):
        for _ in range(2):  # a line between them starts the count again
            self.ctrl_c()
            self.assertIn("/exit", self.until("> "))
            self.type("/clear\n")
            self.until("> ")
        self.leave()

    def test_the_second_ctrl_c_in_a_row_leaves(self):
        self.ctrl_c()
        self.until("> ")
        self.ctrl_c()
        self.assertEqual(self.process.wait(30), 130)

    def test_ctrl_d_leaves(self):
        self.type("\x04")
        self.assertEqual(self.process.wait(30), 0)


if __name__ == "__main__":
    unittest.main()
