"""A model as one GGUF file, which llama.cpp, Ollama and LM Studio run: weights, tokenizer and chat template in it.

Only what was compared with those who read such files is written: any other family, size or tokenizer is refused.
"""
