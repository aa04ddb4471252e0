using System.Reflection;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Training;
using Microsoft.ML;
using static TorchSharp.torch;

namespace CrnMlNet;

/// <summary>Gives a new network what an older model has learned, as far as it fits.</summary>
internal static class WarmStart
{
    /// <summary>Copies from the options' model, if they name one.</summary>
    /// <returns>
    /// What was copied, in words; null when there is nothing to start from. And where Adam goes on, for the caller to dispose; null
    /// where it begins anew, because the model does not have its moments or is another network.
    /// </returns>
    /// <exception cref="InvalidOperationException">The model is not one that synthesizes, or nothing in it fits.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="FormatException">The file is damaged, or no model.</exception>
    public static (string? Story, AdamState? Adam) Apply(SynthesizeFromLabelsEstimator.Options options, SynthesisNetwork network, Action<string> log)
    {
        if (options.WarmStartModel is { } given)
            return Start(given, path: null, options.WarmStartName, options, network, log);
        if (options.WarmStartModelPath is not { } path)
            return (null, null);

        var loaded = Load(path);
        try
        {
            var model = Synthesizers(loaded).FirstOrDefault()
                ?? throw new InvalidOperationException($"WarmStartModelPath '{path}' is an ML.NET model that does not synthesize from labels.");
            return Start(model, path, $"'{Path.GetFileName(path)}'", options, network, log);
        }
        finally
        {
            (loaded as IDisposable)?.Dispose();
        }
    }

    private static ITransformer Load(string path)
    {
        if (!File.Exists(path))
            throw new FileNotFoundException($"WarmStartModelPath '{path}' does not exist.", path);
        try
        {
            return new MLContext().Model.Load(path, out _);
        }
        // ML.NET wraps what a loader throws, and a file from anywhere can fail in any way; all of it is the file's fault but these.
        catch (Exception e) when ((e as TargetInvocationException)?.InnerException is var inner
            && (inner ?? e) is not (IOException or UnauthorizedAccessException or OutOfMemoryException or ObjectDisposedException))
        {
            throw new FormatException($"WarmStartModelPath '{path}' is damaged, or not an ML.NET model: {(inner ?? e).Message}", e);
        }
    }

    private static IEnumerable<SynthesizeFromLabelsTransformer> Synthesizers(ITransformer model) => model switch
    {
        SynthesizeFromLabelsTransformer synthesizer => [synthesizer],
        IEnumerable<ITransformer> chain => chain.SelectMany(Synthesizers),
        _ => [],
    };

    private static (string Story, AdamState? Adam) Start(
        SynthesizeFromLabelsTransformer model, string? path, string name, SynthesizeFromLabelsEstimator.Options options,
        SynthesisNetwork network, Action<string> log)
    {
        string story = model.WithNetwork(learned => Copy(model, learned, name, options, network, log));
        if (model.Architecture != network.Architecture || model.ReadAdam(path) is not { } adam)
            return (story, null);
        log($"Adam goes on from the moments that {name} has of {adam.Moments.Count} parameters, after {adam.Moments.Values.Max(moments => moments.Steps):N0} steps.");
        return ($"{story}; Adam's moments", adam);
    }

    private static string Copy(
        SynthesizeFromLabelsTransformer model, SynthesisNetwork learned, string name, SynthesizeFromLabelsEstimator.Options options,
        SynthesisNetwork network, Action<string> log)
    {
        if (model.Architecture.Kind != network.Architecture.Kind)
            throw new InvalidOperationException($"Nothing of {name} fits to start from: it is a {model.Architecture.Name}, and a {network.Architecture.Name} is asked for. Choose the same recipe.");
        using var scope = NewDisposeScope();
        var source = learned.named_parameters().ToDictionary(named => named.name, named => (Tensor)named.parameter);
        if (model.Architecture is CrnArchitecture { Modulation: Modulation.None } && network.Architecture is CrnArchitecture { Modulation: Modulation.Clade } modulated)
            LayoutModulation.AddClade(source, modulated.Channels);
        // A module is copied whole or not at all: a convolution is of no use without the normalisation behind it.
        var modules = network.named_parameters().GroupBy(named => named.name.Split('.')[0]).ToList();
        var fitting = modules.Where(module => module.All(named =>
            source.TryGetValue(named.name, out var value) && value.shape.AsSpan().SequenceEqual(named.parameter.shape))).ToList();
        if (fitting.Count == 0)
            throw new InvalidOperationException(
                $"Nothing of {name} fits to start from: it is {Describe(model.Architecture)}, and {Describe(network.Architecture)} is asked for. "
                + "Choose the same width factor, noise channels, modulation and palette.");

        using var _ = no_grad();
        foreach (var (parameter, target) in fitting.SelectMany(module => module))
            target.copy_(source[parameter]);

        string copied = string.Join(", ", fitting.Select(module => module.Key));
        string anew = string.Join(", ", modules.Except(fitting).Select(module => module.Key));
        string story = $"{name}: {copied}";
        log($"Warm start from {name}: copied {copied}{(anew.Length > 0 ? $"; from chance begin {anew}" : "")}."
            + (model.Palette.ToJson() == options.Palette.ToJson() ? "" : $" Its palette is {model.Palette.Name}, not {options.Palette.Name}: classes may have changed places."));
        return story;
    }

    private static string Describe(SynthesisArchitecture architecture) => FormattableString.Invariant(
        $"{architecture.Height}x{architecture.Width} with width factor {architecture.WidthFactor}, {architecture.NoiseChannels} noise channels, {architecture.Channels} classes and modulation {(architecture as CrnArchitecture)?.Modulation ?? Modulation.None}");
}
