def weighted_sum(x, w, b):
    return sum(x[i] * w[i] for i in range(len(x))) + b


def loss(examples, w, b):
    return sum((weighted_sum(x, w, b) - t) ** 2 for x, t in examples) / len(examples)


def nudge(examples, w, b, step):
    numbers = [*w, b]
    for i in range(len(numbers)):
        old = numbers[i]
        before = loss(examples, numbers[:-1], numbers[-1])
        numbers[i] = old + step
        if loss(examples, numbers[:-1], numbers[-1]) < before:
            continue
        numbers[i] = old - step
        if loss(examples, numbers[:-1], numbers[-1]) < before:
            continue
        numbers[i] = old
    return numbers[:-1], numbers[-1]


def learn(examples, w, b, step, rounds):
    for _ in range(rounds):
        w2, b2 = nudge(examples, w, b, step)
        if w2 == w and b2 == b:
            step = step / 2
        w, b = w2, b2
    return w, b
