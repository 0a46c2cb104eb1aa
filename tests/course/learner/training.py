def fit(network, loss, optimizer, schedule, batches, epochs):
    s = 0
    for epoch in range(epochs):
        total = 0
        for x, t in batches.epoch(epoch):
            p = network.forward(x, training=True)
            network.backward(loss, p, t)
            optimizer.step(network.parameters, network.gradients, schedule(s))
            total += loss.value(p, t)
            s += 1
        yield total / len(batches)
