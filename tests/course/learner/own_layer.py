from nn_from_scratch import Layer


class Scale(Layer):
    def parameter_shapes(self, input_shape):
        return {"a": input_shape}

    def initialize(self, rng):
        self.a[...] = 1

    def forward(self, x, training=False):
        if training:
            self.x = x
        return self.a * x

    def backward_parameters(self, dy):
        self.da[...] = (dy * self.x).sum(axis=0)

    def backward_input(self, dy):
        return self.a * dy
