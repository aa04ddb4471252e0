using static TorchSharp.torch;

namespace CrnMlNet.Torch.Convolutions;

/// <summary>
/// What is multiplied between Winograd's transforms: for each of a tile's places the transformed filters by the transformed inputs, summed over
/// the inputs.
/// </summary>
internal abstract unsafe class WinogradProducts : IDisposable
{
    /// <param name="weight">The filters <c>[outputs, inputs, 3, 3]</c>.</param>
    /// <param name="kernels">What computes.</param>
    /// <param name="transforms">The transforms, of the same vectors.</param>
    protected WinogradProducts(Tensor weight, WinogradKernels kernels, WinogradTransforms transforms)
        => (Kernels, Transforms, Outputs, Inputs) = (kernels, transforms, (int)weight.shape[0], (int)weight.shape[1]);

    /// <summary>What computes.</summary>
    public WinogradKernels Kernels { get; }

    /// <summary>What the products are between.</summary>
    public WinogradTransforms Transforms { get; }

    /// <summary>Feature maps that are read.</summary>
    public int Inputs { get; }

    /// <summary>Feature maps that are made.</summary>
    public int Outputs { get; }

    /// <summary>Tiles that make a block.</summary>
    public abstract int TilesAtOnce { get; }

    /// <summary>Blocks that are worked on at once.</summary>
    public abstract int BlocksAtOnce { get; }

    /// <summary>Feature maps that make a piece of work: a multiple of these.</summary>
    public abstract int MapsAtOnce { get; }

    /// <summary>Begins the products of a convolution.</summary>
    /// <param name="tiles">Tiles of a block, at most.</param>
    /// <param name="blocks">Blocks that are worked on at once.</param>
    public abstract Pass Begin(int tiles, int blocks);

    public abstract void Dispose();

    /// <summary>The products of one convolution. Its tensors are the current dispose scope's.</summary>
    internal abstract class Pass
    {
        /// <summary>Takes an input of a block's tiles; several threads may call this at once.</summary>
        /// <param name="block">Which of the blocks that are worked on.</param>
        /// <param name="input">Which input.</param>
        /// <param name="tiles">Tiles of the block.</param>
        /// <param name="places">The transformed tiles, place by place, with values up to a multiple of <see cref="WinogradKernels.Panel"/>.</param>
        /// <param name="place">Floats from one place to the next.</param>
        public abstract void Put(int block, int input, int tiles, float* places, int place);

        /// <summary>Multiplies a block on all threads, when all of its inputs are there, unless that is done in <see cref="Take"/>.</summary>
        /// <param name="block">Which of the blocks.</param>
        /// <param name="tiles">Tiles of the block.</param>
        public virtual void Multiply(int block, int tiles)
        {
        }

        /// <summary>Gives sums of products; several threads may call this at once.</summary>
        /// <param name="block">Which of the blocks.</param>
        /// <param name="tiles">Tiles of the block.</param>
        /// <param name="firstOutput">The first feature map that is wanted, a multiple of <see cref="MapsAtOnce"/>.</param>
        /// <param name="outputs">How many are wanted, up to <see cref="MapsAtOnce"/>.</param>
        /// <param name="sums">Receives them, map by map, in a map panel by panel of <see cref="WinogradKernels.Panel"/> tiles, and in a panel place by place.</param>
        /// <param name="map">Floats from one map to the next; of maps up to a multiple of <see cref="WinogradKernels.Rows"/> all panels may be written.</param>
        public abstract void Take(int block, int tiles, int firstOutput, int outputs, float* sums, int map);
    }
}
