using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;
using CrnMlNet.Torch.Weights;
using static TorchSharp.torch;

namespace CrnMlNet;

/// <summary>In which perception network synthesized and real photos are compared while training.</summary>
public enum PerceptionChoice
{
    /// <summary>VGG-19 if it was imported (<c>crn import vgg19</c>) or its weights are given, otherwise the bank of frequency filters.</summary>
    Auto,

    /// <summary>VGG-19, as in the paper, imported or from the weights given; without either there is no training.</summary>
    Vgg19,

    /// <summary>A bank of frequency filters, which needs no weights and a fraction of the time.</summary>
    Filters,

    /// <summary>A network that learns classes, colours and textures from the training pairs first.</summary>
    SelfTaught,

    /// <summary>The filters, and the network that teaches itself.</summary>
    FiltersAndSelfTaught,
}

/// <summary>Makes of a choice the network.</summary>
internal static class ChosenPerception
{
    /// <summary>Opens the network that the options choose, and says which it is and why.</summary>
    /// <exception cref="FormatException">VGG-19's weights are damaged, or no trained network's, or it is not known what they expect of images.</exception>
    /// <exception cref="IOException">VGG-19's weights cannot be read.</exception>
    public static IPerceptionNetwork Open(SynthesizeFromLabelsEstimator.Options options, int seed, Device device, Action<string> log)
    {
        if (options.Recipe.Objective.Comparison != Comparison.Features)
            return new NoPerception();
        if (options.PerceptionWeightsPath is { } path)
            return Say(Read(path, options.PerceptionNormalisation, device), "as its weights are given");
        if (options.Perception == PerceptionChoice.Vgg19 || (options.Perception == PerceptionChoice.Auto && Vgg19Import.Exists))
            return Say(Vgg19Import.Open(device), "as it was imported");
        if (options.Perception is PerceptionChoice.SelfTaught or PerceptionChoice.FiltersAndSelfTaught)
        {
            var own = new SelfTaughtPerception(options.Palette.Classes.Count, options.PerceptionEpochs, (ulong)(uint)seed, device);
            IPerceptionNetwork asked = options.Perception == PerceptionChoice.SelfTaught ? own : new CombinedPerception(new FilterBankPerception(device), own);
            log($"Comparing in {asked.Description}, as asked for.");
            return asked;
        }
        log(options.Perception == PerceptionChoice.Filters
            ? "Comparing in a bank of frequency filters, as asked for."
            : "VGG-19 was not imported (crn import vgg19 FILE): comparing in a bank of frequency filters.");
        return new FilterBankPerception(device);

        Vgg19 Say(Vgg19 network, string why)
        {
            log($"Comparing in {network.Description}, {why}.");
            return network;
        }
    }

    private static Vgg19 Read(string path, Vgg19Normalisation? normalisation, Device device)
    {
        var network = Vgg19File.Read(path, normalisation);
        try
        {
            Vgg19File.Check(network);
            network.To(device);
            return network;
        }
        catch
        {
            network.Dispose();
            throw;
        }
    }
}
