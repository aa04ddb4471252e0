namespace CrnMlNet.Tests.Shared;

/// <summary>
/// A network as the authors' code saves it, of 1/64 of the published ones' width or another, with variables drawn at random: the names and
/// the order of sizes are those of the published checkpoints' tables.
/// </summary>
internal sealed class AuthorsModel
{
    private readonly Dictionary<string, (long[] Shape, float[] Values)> _variables = [];
    private readonly Random _random;

    /// <param name="rows">The height of its images, 16, 32, ...; they are twice as wide.</param>
    /// <param name="images">Images for a layout.</param>
    /// <param name="channels">Channels of the layout.</param>
    /// <param name="seed">Seeds the variables.</param>
    /// <param name="narrowing">How often the published ones are as wide.</param>
    public AuthorsModel(int rows = 16, int images = 1, int channels = 20, int seed = 1, int narrowing = 64)
    {
        _random = new Random(seed);
        int features = 0;
        for (int size = 4; size <= rows; size *= 2)
        {
            int outputs = (size < 128 ? 1024 : 512) / narrowing;
            AddConvolution($"g_{size}_conv1", features + channels, outputs);
            AddConvolution($"g_{size}_conv2", outputs, outputs);
            features = outputs;
        }

        Add($"g_{rows}_conv100/weights", [1, 1, features, 3 * images], 0.3);
        Add($"g_{rows}_conv100/biases", [3 * images], 0.5);
    }

    /// <summary>The variables that hold the weights.</summary>
    public IReadOnlyCollection<string> Names => _variables.Keys;

    /// <summary>A variable's elements in TensorFlow's order.</summary>
    public float[] this[string name] => _variables[name].Values;

    /// <summary>A variable's shape.</summary>
    public long[] Shape(string name) => _variables[name].Shape;

    /// <summary>A convolution's elements in Torch's order, [outputs, inputs, height, width].</summary>
    public double[] Turned(string name)
    {
        var (shape, values) = _variables[name];
        var turned = new double[values.Length];
        int to = 0;
        for (int output = 0; output < shape[3]; output++)
            for (int input = 0; input < shape[2]; input++)
                for (int y = 0; y < shape[0]; y++)
                    for (int x = 0; x < shape[1]; x++)
                        turned[to++] = values[((y * shape[1] + x) * shape[2] + input) * shape[3] + output];
        return turned;
    }

    /// <summary>The checkpoint, for changes before it is written.</summary>
    /// <param name="hasMoments">Which variables have Adam's moments; null: none.</param>
    /// <param name="squareDecayPower">0.999^(t + 1) after t steps.</param>
    public CheckpointWriter Checkpoint(Func<string, bool>? hasMoments = null, float squareDecayPower = 0)
    {
        var writer = new CheckpointWriter();
        foreach (var (name, (shape, values)) in _variables)
        {
            writer.Add(name, shape, values);
            if (hasMoments?.Invoke(name) == true)
                writer.Add(name + "/Adam", shape, Moments(name).Mean).Add(name + "/Adam_1", shape, Moments(name).Square);
        }

        return hasMoments is null ? writer : writer.Add("beta1_power", [], [0]).Add("beta2_power", [], [squareDecayPower]);
    }

    /// <summary>A variable's moments in TensorFlow's order.</summary>
    public (float[] Mean, float[] Square) Moments(string name) =>
        ([.. this[name].Select(value => 0.01f * value)], [.. this[name].Select(value => 0.02f + value * value)]);

    private void AddConvolution(string scope, int inputs, int outputs)
    {
        Add($"{scope}/weights", [3, 3, inputs, outputs], Math.Sqrt(2.0 / (9 * inputs)));
        Add($"{scope}/LayerNorm/gamma", [outputs], 0.5);
        Add($"{scope}/LayerNorm/beta", [outputs], 0.5);
    }

    private void Add(string name, long[] shape, double spread)
    {
        var values = new float[shape.Aggregate(1L, (product, size) => product * size)];
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)(spread * Math.Sqrt(12) * (_random.NextDouble() - 0.5) + (shape.Length == 1 ? 0.3 : 0));
        _variables.Add(name, (shape, values));
    }
}
