using System.Runtime.InteropServices;
using CrnMlNet.Torch.Weights;
using TorchSharp;
using static TorchSharp.torch;

namespace CrnMlNet.Onnx;

/// <summary>An element type, with its number in ONNX' <c>TensorProto.DataType</c>.</summary>
internal enum OnnxType
{
    Float32 = 1,
    UInt8 = 2,
    UInt16 = 4,
    Int64 = 7,
}

/// <summary>
/// A computation graph as ONNX writes it (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto; the field numbers are from
/// there). A value is known by its name.
/// </summary>
/// <param name="name">The graph's name.</param>
internal sealed class OnnxGraph(string name)
{
    /// <summary>The operators' version: the first whose group of operators this project uses, and which every runtime of today has.</summary>
    public const int OperatorSet = 17;

    // The format's version that goes with it.
    private const int IrVersion = 8;
    private const int External = 1;

    private readonly List<ProtobufMessage> _nodes = [];
    private readonly List<ProtobufMessage> _inputs = [];
    private readonly List<ProtobufMessage> _outputs = [];
    private readonly List<Initializer> _initializers = [];

    /// <summary>The bytes of all weights.</summary>
    public long WeightBytes => Weights.Sum(initializer => initializer.Length);

    // What decides a shape has to stand in the model itself.
    private IEnumerable<Initializer> Weights => _initializers.Where(initializer => initializer.IsWeight);

    /// <summary>Declares an input. The first dimension is the batch's, of any size.</summary>
    public string Input(string value, OnnxType type, string documentation, params long[] shape)
    {
        _inputs.Add(ValueInfo(value, type, documentation, shape));
        return value;
    }

    /// <summary>Declares an output.</summary>
    public void Output(string value, OnnxType type, string documentation, params long[] shape) => _outputs.Add(ValueInfo(value, type, documentation, shape));

    /// <summary>A weight: float32, written from where it is when the graph is.</summary>
    public string Weight(string value, Tensor tensor)
    {
        _initializers.Add(new Initializer(value, OnnxType.Float32, tensor.shape, tensor.numel() * sizeof(float), IsWeight: true, stream =>
        {
            using var scope = NewDisposeScope();
            TensorData.Write(stream, tensor.detach().to(ScalarType.Float32));
        }));
        return value;
    }

    /// <summary>A list of integers.</summary>
    public string Constant(string value, params long[] numbers)
        => Small(value, OnnxType.Int64, [numbers.Length], MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray());

    /// <summary>A list of numbers of the given shape.</summary>
    public string Constant(string value, float[] numbers, params long[] shape)
        => Small(value, OnnxType.Float32, shape, MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray());

    /// <summary>Adds an operation with one output.</summary>
    /// <param name="output">The output's name, which is the operation's, too.</param>
    /// <param name="operation">The operator, such as <c>Conv</c>.</param>
    /// <param name="inputs">The inputs' names; an empty one leaves an optional input out.</param>
    /// <param name="attributes">The attributes: <see cref="long"/>, <see cref="float"/>, <see cref="string"/> or <c>long[]</c>.</param>
    /// <returns><paramref name="output"/>.</returns>
    public string Node(string output, string operation, string[] inputs, params (string Name, object Value)[] attributes)
    {
        var node = new ProtobufMessage();
        foreach (var input in inputs)
            node.Text(1, input);
        node.Text(2, output).Text(3, output).Text(4, operation);
        foreach (var (attribute, value) in attributes)
            node.Message(5, Attribute(attribute, value));
        _nodes.Add(node);
        return output;
    }

    /// <summary>The whole model.</summary>
    /// <param name="metadata">What the model says of itself.</param>
    /// <param name="externalData">The name of the file with the weights, which then lies beside the model; null: they are in the model.</param>
    /// <param name="producerVersion">The version of what made it.</param>
    public ProtobufMessage ToModel(IEnumerable<(string Key, string Value)> metadata, string? externalData, string producerVersion)
    {
        var graph = new ProtobufMessage();
        foreach (var node in _nodes)
            graph.Message(1, node);
        graph.Text(2, name);
        long offset = 0;
        foreach (var initializer in _initializers)
        {
            graph.Message(5, TensorProto(initializer, initializer.IsWeight ? externalData : null, offset));
            offset += initializer.IsWeight ? initializer.Length : 0;
        }
        foreach (var input in _inputs)
            graph.Message(11, input);
        foreach (var output in _outputs)
            graph.Message(12, output);

        var model = new ProtobufMessage().Integer(1, IrVersion).Text(2, "CrnMlNet").Text(3, producerVersion).Message(7, graph)
            .Message(8, new ProtobufMessage().Text(1, "").Integer(2, OperatorSet));
        foreach (var (key, value) in metadata)
            model.Message(14, Entry(key, value));
        return model;
    }

    /// <summary>Writes all weights one after the other: the file that <see cref="ToModel"/> refers to.</summary>
    public void WriteWeights(Stream stream)
    {
        foreach (var weight in Weights)
            weight.Write(stream);
    }

    private string Small(string value, OnnxType type, long[] shape, byte[] bytes)
    {
        _initializers.Add(new Initializer(value, type, shape, bytes.Length, IsWeight: false, stream => stream.Write(bytes)));
        return value;
    }

    private static ProtobufMessage TensorProto(Initializer initializer, string? externalData, long offset)
    {
        var tensor = new ProtobufMessage();
        foreach (long size in initializer.Shape)
            tensor.Integer(1, size);
        tensor.Integer(2, (long)initializer.Type).Text(8, initializer.Name);
        return externalData is null
            ? tensor.Payload(9, initializer.Length, initializer.Write)
            : tensor.Message(13, Entry("location", externalData)).Message(13, Entry("offset", $"{offset}")).Message(13, Entry("length", $"{initializer.Length}"))
                .Integer(14, External);
    }

    private static ProtobufMessage ValueInfo(string value, OnnxType type, string documentation, long[] shape)
    {
        var dimensions = new ProtobufMessage().Message(1, new ProtobufMessage().Text(2, "N"));
        foreach (long size in shape)
            dimensions.Message(1, new ProtobufMessage().Integer(1, size));
        var tensor = new ProtobufMessage().Integer(1, (long)type).Message(2, dimensions);
        return new ProtobufMessage().Text(1, value).Message(2, new ProtobufMessage().Message(1, tensor)).Text(3, documentation);
    }

    private static ProtobufMessage Attribute(string name, object value)
    {
        var attribute = new ProtobufMessage().Text(1, name);
        switch (value)
        {
            case float number:
                return attribute.Float(2, number).Integer(20, 1);
            case long integer:
                return attribute.Integer(3, integer).Integer(20, 2);
            case string text:
                return attribute.Text(4, text).Integer(20, 3);
            case long[] integers:
                foreach (long integer in integers)
                    attribute.Integer(8, integer);
                return attribute.Integer(20, 7);
            default:
                throw new ArgumentException($"Attribute '{name}' is a {value.GetType().Name}.", nameof(value));
        }
    }

    private static ProtobufMessage Entry(string key, string value) => new ProtobufMessage().Text(1, key).Text(2, value);

    private sealed record Initializer(string Name, OnnxType Type, long[] Shape, long Length, bool IsWeight, Action<Stream> Write);
}
