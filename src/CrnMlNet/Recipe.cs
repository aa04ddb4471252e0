using System.ComponentModel;
using CrnMlNet.Torch;
using CrnMlNet.Torch.Networks;
using CrnMlNet.Torch.Objectives;

namespace CrnMlNet;

/// <summary>
/// A system that learns to paint: which network, and what it minimizes. Those of the paper have names, and so have its missing
/// ablations; another is <c>new Recipe { Name = "mine", Network = ..., Objective = ... }</c>, or a named one <c>with</c> something else.
/// </summary>
[TypeConverter(typeof(RecipeConverter))]
public sealed record Recipe
{
    /// <summary>The learning rate of DCGAN and Pix2pix.</summary>
    private const double AdversarialRate = 2e-4;

    /// <summary>An average over some 1,000 steps.</summary>
    private const double UsualAverage = 0.999;

    /// <summary>Texture's weight. Beside the paper's comparison, 120 in its place loses a twentieth of mIoU and gains no texture.</summary>
    private const double UsualTexture = 40;

    /// <summary>The paper's system: a cascaded refinement network, compared in the perception network (Eq. 1).</summary>
    public static Recipe Crn { get; } = new()
    {
        Name = "crn",
        Summary = "the paper's: cascaded refinement, compared in the perception network",
    };

    /// <summary>The same network, compared as image alone.</summary>
    public static Recipe ImageSpace { get; } = new()
    {
        Name = "image-space",
        Summary = "cascaded refinement, compared pixel by pixel",
        Objective = new() { Comparison = Comparison.Image },
    };

    /// <summary>
    /// The paper's first baseline: a generator and a discriminator as in DCGAN, the generator's input being the layout, and a segmentation network
    /// that is to see that layout in the photo. DCGAN's generator begins with numbers that are no image; of its kind, with an image going in, is Pix2pix'.
    /// </summary>
    public static Recipe GanSemSeg { get; } = new()
    {
        Name = "gan-semseg",
        Summary = "a DCGAN, and a segmenter that is to see the layout in the photo",
        Network = NetworkKind.Pix2Pix,
        Objective = new() { Comparison = Comparison.None, Adversarial = 1, Discriminator = DiscriminatorKind.WholeImage, Segmentation = 1 },
        LearningRate = AdversarialRate,
    };

    /// <summary>Pix2pix (Isola et al., CVPR 2017): 100 times the mean absolute difference of images from -1 to 1, and a discriminator of patches.</summary>
    public static Recipe Pix2Pix { get; } = new()
    {
        Name = "pix2pix",
        Summary = "Pix2pix: its generator, compared pixel by pixel and by patches",
        Network = NetworkKind.Pix2Pix,
        Objective = new() { Comparison = Comparison.Image, Adversarial = 127.5 / 100 },
        LearningRate = AdversarialRate,
    };

    /// <summary>The paper's baseline that never changes its resolution.</summary>
    public static Recipe FullResolution { get; } = new()
    {
        Name = "full-resolution",
        Summary = "ten dilated layers at the photo's resolution, compared as crn",
        Network = NetworkKind.FullResolution,
    };

    /// <summary>The paper's baseline that goes down and up again.</summary>
    public static Recipe EncoderDecoder { get; } = new()
    {
        Name = "encoder-decoder",
        Summary = "U-Net, compared as crn",
        Network = NetworkKind.UNet,
    };

    /// <summary>An encoder-decoder whose finer branches begin with what the coarser ones found.</summary>
    public static Recipe Recombinator { get; } = new()
    {
        Name = "recombinator",
        Summary = "Recombinator Network, compared as crn",
        Network = NetworkKind.Recombinator,
    };

    /// <summary>The paper's system with a discriminator of patches beside.</summary>
    public static Recipe CrnGan { get; } = new()
    {
        Name = "crn+gan",
        Summary = "crn and a discriminator of patches, matched in its layers, too",
        Objective = new() { Adversarial = 10, DiscriminatorFeatures = 10 },
    };

    /// <summary>The paper's system with a segmentation network beside.</summary>
    public static Recipe CrnSemSeg { get; } = new()
    {
        Name = "crn+semseg",
        Summary = "crn and a segmenter that is to see the layout in the photo",
        Objective = new() { Segmentation = 10 },
    };

    /// <summary>The paper's system with both.</summary>
    public static Recipe CrnGanSemSeg { get; } = new()
    {
        Name = "crn+gan+semseg",
        Summary = "crn with both",
        Objective = new() { Adversarial = 10, DiscriminatorFeatures = 10, Segmentation = 10 },
    };

    /// <summary>The paper's nine photos of a layout (Eq. 3).</summary>
    public static Recipe CrnDiverse { get; } = new()
    {
        Name = "crn-diverse",
        Summary = "crn that paints nine photos of a layout (Eq. 3)",
        ImagesPerLayout = 9,
    };

    /// <summary>With no network to compare in: colours and the large are compared pixel by pixel, and what is small as texture, class by class.</summary>
    public static Recipe Texture { get; } = new()
    {
        Name = "texture",
        Summary = "each class's texture, and pixels averaged over 4x4",
        Objective = new() { Comparison = Comparison.LowResolution, Texture = UsualTexture },
        Modulation = Modulation.Clade,
        AverageDecay = UsualAverage,
    };

    /// <summary>
    /// The paper's system with texture beside, class by class, with layouts that modulate each normalisation class by class, and with the average of the weights.
    /// </summary>
    public static Recipe CrnTexture { get; } = new()
    {
        Name = "crn+texture",
        Summary = "crn, with each class's texture compared and gains of its own",
        Objective = new() { Texture = UsualTexture },
        Modulation = Modulation.Clade,
        AverageDecay = UsualAverage,
    };

    /// <summary>
    /// The default: the same with a discriminator of patches beside, each of which is judged by its class, and with texture twice as heavy against it; what matches the discriminator's
    /// features weighs ten times the game, as in Pix2pixHD. What looks best after half an hour on two CPU cores without VGG-19; at higher learning rates walls in the light become cloudy, and where the rate stays high, what is rare has too much contrast (docs/realism.md).
    /// </summary>
    public static Recipe CrnTextureGan { get; } = CrnTexture with
    {
        Name = "crn+texture+gan",
        Summary = "the default: crn+texture and a discriminator of each class's patches",
        Objective = CrnTexture.Objective with { Texture = 2 * UsualTexture, Adversarial = 4, AdversarialGrowth = 2000, Discriminator = DiscriminatorKind.ClassPatches, DiscriminatorFeatures = 40 },
        LearningRate = 2.5e-4,
        LearningRateDecay = 0.5,
    };

    /// <summary>Texture, with a discriminator of patches at several scales beside.</summary>
    public static Recipe TextureGan { get; } = new()
    {
        Name = "texture+gan",
        Summary = "texture and a discriminator of patches at several scales",
        Objective = new()
        {
            Comparison = Comparison.LowResolution,
            Texture = UsualTexture,
            Adversarial = 2,
            Discriminator = DiscriminatorKind.MultiScalePatches,
            DiscriminatorFeatures = 10,
        },
        Modulation = Modulation.Clade,
        AverageDecay = UsualAverage,
    };

    /// <summary>What is trained unless another is chosen: <see cref="CrnTextureGan"/>.</summary>
    public static Recipe Default => CrnTextureGan;

    /// <summary>All that have names, the paper's own first.</summary>
    public static IReadOnlyList<Recipe> All { get; } =
    [
        Crn, ImageSpace, GanSemSeg, Pix2Pix, EncoderDecoder, Recombinator, FullResolution, CrnGan, CrnSemSeg, CrnGanSemSeg, CrnDiverse, Texture, CrnTexture, CrnTextureGan, TextureGan,
    ];

    /// <summary>What it is called, in the log and in the model's <see cref="TrainingRecord"/>.</summary>
    public required string Name { get; init; }

    /// <summary>One line that tells it from the others.</summary>
    public string Summary { get; init; } = "";

    /// <summary>The kind of the network.</summary>
    public NetworkKind Network { get; init; } = NetworkKind.CascadedRefinement;

    /// <summary>What it minimizes.</summary>
    public Objective Objective { get; init; } = new();

    /// <summary>How many photos are painted of a layout, unless the options say.</summary>
    public int ImagesPerLayout { get; init; } = 1;

    /// <summary>Adam's learning rate, unless the options say.</summary>
    public double LearningRate { get; init; } = 1e-3;

    /// <summary>The last share of the training over which the learning rate falls to zero, unless the options say; 0: it is constant.</summary>
    public double LearningRateDecay { get; init; }

    /// <summary>Of a cascade: whether its layout modulates what is normalised, unless the options say.</summary>
    public Modulation Modulation { get; init; }

    /// <summary>How the noise is drawn while training, unless the options say: see <see cref="SynthesizeFromLabelsEstimator.Options.NoiseSamples"/>.</summary>
    public int NoiseSamples { get; init; }

    /// <summary>The decay of the weights' average, unless the options say; 0: none is taken.</summary>
    public double AverageDecay { get; init; }

    /// <summary>The recipe of a name.</summary>
    /// <param name="name">One of <see cref="All"/>'s names, in any case.</param>
    /// <exception cref="ArgumentException">There is none of that name.</exception>
    public static Recipe Parse(string name) => All.FirstOrDefault(recipe => recipe.Name.Equals(name.Trim(), StringComparison.OrdinalIgnoreCase))
        ?? throw new ArgumentException($"There is no recipe '{name}'. There are: {string.Join(", ", All.Select(recipe => recipe.Name))}.", nameof(name));

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>Turns the name that <see cref="Recipe.Parse"/> reads into a recipe, for configuration and property editors.</summary>
internal sealed class RecipeConverter() : TextConverter<Recipe>(Recipe.Parse, recipe => recipe.Name);
