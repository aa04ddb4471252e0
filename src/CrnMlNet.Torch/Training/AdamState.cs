using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet.Torch.Training;

/// <summary>Where Adam stood with a parameter.</summary>
/// <param name="Mean">The mean of its gradients, of the parameter's shape.</param>
/// <param name="Square">The mean of their squares, of the parameter's shape.</param>
/// <param name="Steps">How often the parameter was changed, at least 0.</param>
public sealed record AdamMoments(Tensor Mean, Tensor Square, long Steps);

/// <summary>
/// Where Adam stood at a training's end, for another training to go on from: the moments of some or all of a network's
/// parameters, in CPU memory. Dispose it to free that.
/// </summary>
/// <param name="moments">The moments by their parameters' names; this object's from now on.</param>
public sealed class AdamState(IReadOnlyDictionary<string, AdamMoments> moments) : IDisposable
{
    private const string Mean = "mean.";
    private const string Square = "square.";
    private const string Steps = "steps.";

    /// <summary>The moments by their parameters' names; a parameter that is not among them begins anew.</summary>
    public IReadOnlyDictionary<string, AdamMoments> Moments => moments;

    /// <summary>The same in memory of its own.</summary>
    public AdamState Clone()
    {
        using var _ = no_grad();
        return new AdamState(moments.ToDictionary(
            parameter => parameter.Key,
            parameter => parameter.Value with { Mean = parameter.Value.Mean.clone().DetachFromDisposeScope(), Square = parameter.Value.Square.clone().DetachFromDisposeScope() }));
    }

    /// <summary>Writes safetensors: <c>mean.</c>, <c>square.</c> and <c>steps.</c> of each parameter.</summary>
    /// <param name="stream">The stream, which stays open.</param>
    public void Write(Stream stream)
    {
        using var scope = NewDisposeScope();
        Safetensors.Write(stream, moments.SelectMany(parameter => new[]
        {
            (Mean + parameter.Key, parameter.Value.Mean),
            (Square + parameter.Key, parameter.Value.Square),
            (Steps + parameter.Key, tensor(parameter.Value.Steps)),
        }));
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="stream">The stream, which stays open.</param>
    /// <param name="shapes">The shapes of the network's parameters by name, which limit what is read.</param>
    /// <exception cref="FormatException">The data is damaged, or has moments of no such parameter.</exception>
    public static AdamState Read(Stream stream, IReadOnlyDictionary<string, long[]> shapes)
    {
        var header = Safetensors.ReadHeader(stream);
        var found = header.Tensors.ToDictionary(entry => entry.Name);
        string[] names = [.. found.Keys.Where(name => name.StartsWith(Steps, StringComparison.Ordinal)).Select(name => name[Steps.Length..])];
        foreach (var name in names)
            CheckParameter(found, name, shapes);
        if (found.Count != 3 * names.Length)
            throw new FormatException($"The optimizer's state has {found.Count} tensors; a mean, a square and the steps of {names.Length} parameters are expected.");

        var tensors = found.Values.ToDictionary(entry => entry.Name, entry => empty([.. entry.Shape], entry.DataType, CPU).DetachFromDisposeScope());
        try
        {
            Safetensors.ReadInto(stream, header, tensors);
            return new AdamState(names.ToDictionary(name => name, name => Take(tensors, name)));
        }
        catch
        {
            foreach (var tensor in tensors.Values)
                tensor.Dispose();
            throw;
        }
    }

    /// <summary>Frees the moments.</summary>
    public void Dispose()
    {
        foreach (var (mean, square, _) in moments.Values)
        {
            mean.Dispose();
            square.Dispose();
        }
    }

    private static void CheckParameter(Dictionary<string, SafetensorsEntry> found, string name, IReadOnlyDictionary<string, long[]> shapes)
    {
        if (!shapes.TryGetValue(name, out var shape))
            throw new FormatException($"The optimizer's state has moments of {TensorEntry.Quote(name)}, which is no parameter of the network.");
        Check(Mean + name, ScalarType.Float32, shape);
        Check(Square + name, ScalarType.Float32, shape);
        Check(Steps + name, ScalarType.Int64, []);

        void Check(string tensor, ScalarType type, long[] expected)
        {
            if (!found.TryGetValue(tensor, out var entry))
                throw new FormatException($"The optimizer's state lacks {TensorEntry.Quote(tensor)}.");
            if (entry.DataType != type || !entry.Shape.SequenceEqual(expected))
                throw new FormatException(
                    $"The optimizer's state has {TensorEntry.Quote(tensor)} as {entry.DataType} {TensorEntry.Show(entry.Shape)}; {type} {TensorEntry.Show(expected)} is expected.");
        }
    }

    private static AdamMoments Take(Dictionary<string, Tensor> tensors, string name)
    {
        var counter = tensors[Steps + name];
        long steps = counter.item<long>();
        if (steps < 0)
            throw new FormatException($"The optimizer's state says that {TensorEntry.Quote(name)} was changed {steps} times.");
        tensors.Remove(Steps + name);
        counter.Dispose();
        return new AdamMoments(tensors[Mean + name], tensors[Square + name], steps);
    }
}
